package pages

import (
	"fmt"
	"io"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// A Command is a command with its arguments, and the variables that are set for it.
type Command struct {
	Args      []string
	Variables []string
}

// Commands parses shell code. If lines begin with the prompt "$ ", they are the commands, and
// the other lines are what these print.
func Commands(code string) ([]Command, error) {
	if strings.HasPrefix(code, "$ ") {
		var lines []string
		for line := range strings.Lines(code) {
			if entered, ok := strings.CutPrefix(line, "$ "); ok {
				lines = append(lines, entered)
			}
		}
		code = strings.Join(lines, "")
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(code), "")
	if err != nil {
		return nil, err
	}
	config := &expand.Config{CmdSubst: func(io.Writer, *syntax.CmdSubst) error { return nil }} // Walk sees its commands
	var commands []Command
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || err != nil {
			return err == nil
		}
		var command Command
		for _, variable := range call.Assigns {
			command.Variables = append(command.Variables, variable.Name.Value)
		}
		command.Args, err = expand.Fields(config, call.Args...)
		if err == nil && len(command.Args) == 0 {
			err = fmt.Errorf("no command in %q", code)
		}
		commands = append(commands, command)
		return true
	})
	if err != nil {
		return nil, err
	}
	return commands, nil
}
