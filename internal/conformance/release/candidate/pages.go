package candidate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/inngestkit/inngestkit/internal/conformance/snippets"
)

// getCommand is a command of a page that adds a module to the reader's program.
var getCommand = regexp.MustCompile(`(?m)^ {4}(go get .*)$`)

// pages returns the pages that contain a program.
func (p *Prover) pages() ([]string, error) {
	programs, err := snippets.Programs(p.workspace.Root)
	var names []string
	for _, program := range programs {
		names = append(names, program.Page)
	}
	return slices.Compact(names), err
}

// buildPage builds each program of a page as its reader does: in an empty module, after the
// go get commands of the page.
func (p *Prover) buildPage(ctx context.Context, page string) error {
	text, err := os.ReadFile(filepath.Join(p.workspace.Root, filepath.FromSlash(page)))
	if err != nil {
		return err
	}
	for _, program := range snippets.Blocks(page, string(text)) {
		if !program.IsProgram() {
			continue
		}
		dir := filepath.Join(p.dir, "pages", fmt.Sprintf("%s-%d", filepath.FromSlash(page), program.Line))
		if err := p.newProgram(dir, p.workspace.Published()...); err != nil {
			return err
		}
		for _, get := range getCommand.FindAllStringSubmatch(string(text), -1) {
			if _, err := command(ctx, dir, p.env, strings.Fields(get[1])...); err != nil {
				return err
			}
		}
		if err := write(dir, "main.go", program.Code); err != nil {
			return err
		}
		for _, packages := range []string{".", "tool"} { // readonly: what the commands did not get is missing
			if _, err := command(ctx, dir, p.env, "go", "build", "-mod=readonly", packages); err != nil {
				return err
			}
		}
	}
	return nil
}
