package embedded

import (
	"fmt"
	"slices"
	"strings"
)

// filter selects the messages of a topic that a subscription gets. The zero value selects all.
type filter struct {
	tags []string
	sql  sqlExpression
}

// newFilter reads an expression: tags separated by "||", or SQL92.
func newFilter(expression, kind string) (filter, error) {
	expression = strings.TrimSpace(expression)
	switch kind {
	case "", "TAG":
		return tagFilter(expression)
	case "SQL92":
		e, err := parseSQL(expression)
		return filter{sql: e}, err
	}
	return filter{}, fmt.Errorf("unknown expression type %q", kind)
}

func tagFilter(expression string) (f filter, err error) {
	if expression == "" || expression == "*" {
		return f, nil
	}
	for tag := range strings.SplitSeq(expression, "||") {
		if tag = strings.TrimSpace(tag); tag != "" {
			f.tags = append(f.tags, tag)
		}
	}
	if f.tags == nil {
		return f, fmt.Errorf("no tag in %q", expression)
	}
	return f, nil
}

func (f filter) match(p properties) bool {
	if f.sql != nil {
		return f.sql(p) == true
	}
	return f.tags == nil || slices.Contains(f.tags, p.get(propTags))
}
