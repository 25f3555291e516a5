// Package pages reads the pages of the documentation: their links, their headings, and the
// code in them.
package pages

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// A Page is a page in Markdown.
type Page struct {
	Path string
	// Blocks are its blocks of code, and Spans the code within its text.
	Blocks []Block
	Spans  []string
	// Links are the destinations of its links.
	Links []string
	// Anchors are those that GitHub gives to its headings.
	Anchors map[string]bool
}

// A Block is a block of code.
type Block struct {
	Page string
	Line int // of the first line of code
	// Language is what its fence names. An indented block is in "sh".
	Language string
	Text     string
	// Reason says why the block is not executed. A page states it in a comment before the
	// block: <!-- not run: it needs a Docker daemon -->.
	Reason string
}

// Where returns the page and the line of the block.
func (b Block) Where() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

var (
	markdown    = goldmark.New(goldmark.WithExtensions(extension.Table))
	notRun      = regexp.MustCompile(`(?s)^<!-- not run: (.+?) -->\s*$`)
	punctuation = regexp.MustCompile(`[^\p{L}\p{N}\p{M}_ -]`)
)

// Parse reads a page.
func Parse(path string, source []byte) Page {
	page := Page{Path: path, Anchors: map[string]bool{}}
	same := map[string]int{} // how many headings have an anchor
	root := markdown.Parser().Parse(text.NewReader(source))
	_ = ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Heading:
			anchor := slug(textOf(node, source))
			same[anchor]++
			if n := same[anchor] - 1; n > 0 {
				anchor = fmt.Sprintf("%s-%d", anchor, n)
			}
			page.Anchors[anchor] = true
		case *ast.Link:
			page.Links = append(page.Links, string(node.Destination))
		case *ast.CodeSpan:
			page.Spans = append(page.Spans, strings.ReplaceAll(textOf(node, source), "\n", " "))
		case *ast.FencedCodeBlock:
			info := ""
			if node.Info != nil {
				info = string(node.Info.Value(source))
			}
			page.Blocks = append(page.Blocks, newBlock(path, info, node, source))
		case *ast.CodeBlock:
			page.Blocks = append(page.Blocks, newBlock(path, "sh", node, source))
		}
		return ast.WalkContinue, nil
	})
	return page
}

func newBlock(path, language string, node ast.Node, source []byte) Block {
	block := Block{Page: path, Language: language, Text: string(node.Lines().Value(source))}
	if node.Lines().Len() > 0 {
		block.Line = bytes.Count(source[:node.Lines().At(0).Start], []byte("\n")) + 1
	}
	if before, ok := node.PreviousSibling().(*ast.HTMLBlock); ok {
		comment := string(before.Lines().Value(source))
		if before.HasClosure() {
			comment += string(before.ClosureLine.Value(source))
		}
		if match := notRun.FindStringSubmatch(comment); match != nil {
			block.Reason = match[1]
		}
	}
	return block
}

// textOf returns the text in a node, without its markup.
func textOf(node ast.Node, source []byte) string {
	var all strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			all.Write(t.Value(source))
			if t.SoftLineBreak() {
				all.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return all.String()
}

// slug returns the anchor that GitHub gives to a heading.
func slug(heading string) string {
	kept := punctuation.ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}
