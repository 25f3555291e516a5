package inngestkit

import "slices"

// Group is options and middleware that several functions share. A function's own
// option takes the place of its group's, and an inner group's that of an outer
// one; middleware adds up, the outer group's around the inner one's. Options that
// exclude each other are refused also if one is the group's and one the function's.
type Group struct{ options []Option }

// NewGroup returns a group with these options.
func NewGroup(options ...Option) Group { return Group{slices.Clone(options)} }

// Functions puts functions into the group. They are to be registered, or to be put
// into another group; what is passed in does not change.
func (g Group) Functions(functions ...Function) []Function {
	grouped := make([]Function, len(functions))
	for i, f := range functions {
		if f == nil {
			continue // Register says so.
		}
		def := f.definition()
		def.outer = append(slices.Clone(def.outer), g.options)
		grouped[i] = groupedFunction{def}
	}
	return grouped
}

// groupedFunction is a function with the options of its groups.
type groupedFunction struct{ def definition }

func (f groupedFunction) ID() string             { return f.def.id }
func (f groupedFunction) definition() definition { return f.def }
