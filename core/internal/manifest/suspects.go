package manifest

import (
	"encoding/json"
	"slices"
	"strings"
)

// Suspects returns the names of the functions that an error of the server is probably
// about: those with the most values that the error quotes, such as an expression or a
// period. The server does not name the function. If all of several functions match
// equally well, Suspects returns nil.
func Suspects(functions []FunctionConfig, serverError string) []string {
	suspects := make([]string, 0, len(functions))
	most := 1
	for _, f := range functions {
		switch quoted := f.quotedIn(serverError); {
		case quoted > most:
			most, suspects = quoted, append(suspects[:0], f.Name)
		case quoted == most:
			suspects = append(suspects, f.Name)
		}
	}
	if len(functions) > 1 && len(suspects) == len(functions) {
		return nil
	}
	return suspects
}

// quotedIn counts the values of a function that an error contains.
func (f FunctionConfig) quotedIn(serverError string) int {
	f.Steps = nil // URLs, which errors of the server do not quote
	raw, err := json.Marshal(f)
	if err != nil {
		return 0
	}
	var config any
	_ = json.Unmarshal(raw, &config) // it has just been written
	quoted := 0
	for _, value := range texts(config) {
		if strings.Contains(serverError, value) {
			quoted++
		}
	}
	return quoted
}

// texts returns the different strings in a JSON value, without those of a single byte,
// which occur by chance.
func texts(value any) []string {
	var all []string
	switch v := value.(type) {
	case string:
		if len(v) > 1 {
			all = append(all, v)
		}
	case []any:
		for _, element := range v {
			all = append(all, texts(element)...)
		}
	case map[string]any:
		for _, element := range v {
			all = append(all, texts(element)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
