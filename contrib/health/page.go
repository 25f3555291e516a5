package inngesthealth

// page is a report as an HTML document.
func page(r Report, p pageInfo) []byte { return nil }

// pageInfo is what the page shows besides the report.
type pageInfo struct {
	// AppID is the ID of the app.
	AppID string
	// DetailsURL is a link to the report with details, "" if there are none to be had or
	// they are on the page already.
	DetailsURL string
}

const pageCSP = ""
