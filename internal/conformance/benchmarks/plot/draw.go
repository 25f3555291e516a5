package main

import (
	"bytes"
	"image/color"
	"slices"

	"github.com/dustin/go-humanize"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// titles are the quantities that are drawn, in their order.
var titles = []struct{ quantity, title string }{
	{"functions", "registered functions"},
	{"steps", "memoized steps"},
	{"event", "size of the event in bytes"},
	{"batch", "events of 1 KiB in a batch"},
	{"inflight", "calls in flight, time of all"},
}

var lines = []struct {
	name, unit string
	color      color.Color
}{
	{"ours", "µs/ours", color.RGBA{G: 90, B: 181, A: 255}},
	{"SDK", "µs/sdk", color.RGBA{R: 213, G: 94, A: 255}},
}

const (
	columns    = 3
	panelWidth = 9 * vg.Centimeter
	rowHeight  = 7 * vg.Centimeter
	fontSize   = 9 // points
)

// drawSVG draws a panel for each quantity. Both axes are logarithmic.
func drawSVG(results []result) ([]byte, error) {
	var all []*plot.Plot
	for _, t := range titles {
		those := slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.quantity != t.quantity })
		if len(those) == 0 {
			continue // it was not measured
		}
		p, err := panel(t.title, those)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	panels := slices.Collect(slices.Chunk(all, columns))
	rows := len(panels)
	for i, row := range panels {
		panels[i] = append(slices.Clip(row), make([]*plot.Plot, columns-len(row))...) // nil is left empty
	}
	canvas := vgsvg.New(columns*panelWidth, vg.Length(rows)*rowHeight)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Path())
	const pad = vg.Centimeter / 2
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: pad, PadY: pad, PadTop: pad / 2, PadRight: pad}
	for i, row := range plot.Align(panels, tiles, page) {
		for j, part := range row {
			if panels[i][j] != nil {
				panels[i][j].Draw(part)
			}
		}
	}
	var svg bytes.Buffer
	_, err := canvas.WriteTo(&svg)
	return svg.Bytes(), err
}

// powers are ticks at the powers of ten.
type powers struct{ unit string }

// Ticks implements plot.Ticker.
func (powers powers) Ticks(from, to float64) []plot.Tick {
	var ticks []plot.Tick
	for value := 1.0; value <= to; value *= 10 {
		if value >= from {
			ticks = append(ticks, plot.Tick{Value: value, Label: humanize.SIWithDigits(value*powers.scale(), 0, powers.unit)})
		}
	}
	return ticks
}

// scale converts microseconds to seconds.
func (powers powers) scale() float64 {
	if powers.unit == "s" {
		return 1e-6
	}
	return 1
}

func panel(title string, results []result) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text = title
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = powers{}, powers{"s"}
	for _, style := range []*draw.TextStyle{&p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Size = fontSize
	}
	p.X.Tick.Length, p.Y.Tick.Length = fontSize/4, fontSize/4
	p.Add(plotter.NewGrid())
	p.Y.Min = 10
	for _, l := range lines {
		points := make(plotter.XYs, len(results))
		for i, r := range results {
			points[i] = plotter.XY{X: float64(r.size), Y: r.metrics[l.unit]}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color, dots.Shape = l.color, l.color, draw.CircleGlyph{}
		p.Add(line, dots)
		p.Legend.Add(l.name, line)
	}
	p.Y.Max *= 3 // room for the legend
	p.Legend.Top, p.Legend.Left = true, true
	return p, nil
}
