package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"
)

// A stage is one FROM of the Dockerfile, with its instructions.
type stage struct {
	image        string
	instructions map[string]*parser.Node
}

// stages parses the Dockerfile as docker build does.
func stages(t *testing.T) (found []stage) {
	t.Helper()
	parsed, err := parser.Parse(bytes.NewReader(read(t, "Dockerfile")))
	require.NoError(t, err)
	require.Empty(t, parsed.Warnings)
	for _, node := range parsed.AST.Children {
		name := strings.ToUpper(node.Value)
		if name == "FROM" {
			found = append(found, stage{image: node.Next.Value, instructions: map[string]*parser.Node{}})
		}
		found[len(found)-1].instructions[name] = node
	}
	require.Len(t, found, 2)
	return found
}

// words returns the arguments of an instruction.
func words(node *parser.Node) (all []string) {
	for next := node.Next; next != nil; next = next.Next {
		all = append(all, next.Value)
	}
	return all
}

// The image has the program and little else, and runs it as a user who is not root.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	build, final := stages(t)[0], stages(t)[1]
	require.Regexp(t, `^gcr\.io/distroless/static-debian\d+:nonroot$`, final.image)
	require.Equal(t, []string{"--from=build"}, final.instructions["COPY"].Flags)
	copied := words(final.instructions["COPY"])
	require.Contains(t, build.instructions["RUN"].Next.Value, " -o "+copied[0]+" ")
	require.Equal(t, []string{
		"--mount=type=cache,target=/go/pkg/mod",
		"--mount=type=cache,target=/root/.cache/go-build",
	}, build.instructions["RUN"].Flags)
	for name, want := range map[string][]string{
		"ENTRYPOINT":  {copied[1]},
		"HEALTHCHECK": {"CMD", copied[1], "health"},
		"ENV":         {"PORT", "3000", "="},
		"EXPOSE":      {"3000"},
		"USER":        {"65532:65532"},
	} {
		require.Equal(t, want, words(final.instructions[name]), name)
	}
	for _, name := range []string{"ENTRYPOINT", "HEALTHCHECK"} { // the image has no shell
		require.True(t, final.instructions[name].Attributes["json"], name)
	}
	pod := readManifests(t).deployment.Spec.Template.Spec.SecurityContext
	require.Equal(t, "65532:65532", strconv.FormatInt(*pod.RunAsUser, 10)+":"+strconv.FormatInt(*pod.RunAsGroup, 10))
}

// The image of the build has a Go version that the workspace accepts.
func TestDockerfileHasTheGoVersion(t *testing.T) {
	t.Parallel()
	work, err := os.ReadFile(filepath.Join(directory, "..", "go.work"))
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(work))[1]
	require.Equal(t, "golang:"+version, stages(t)[0].image)
}
