package config

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// Matcher matches one value. Exactly one of its keys is set, beside ignore_case and invert.
type Matcher struct {
	Exact      string `toml:"exact"`
	Prefix     string `toml:"prefix"`
	Suffix     string `toml:"suffix"`
	Regex      string `toml:"regex"`
	Range      Range  `toml:"range"`
	Present    bool   `toml:"present"`
	IgnoreCase bool   `toml:"ignore_case"`
	Invert     bool   `toml:"invert"`
}

// Range is a range of whole numbers; the end is not included.
type Range struct {
	Start int `toml:"start"`
	End   int `toml:"end"`
}

// HeaderMatcher matches what a request has under a name.
type HeaderMatcher struct {
	Name    string `toml:"name"`
	Matcher        // its keys stand beside name
}

// Compile makes a matcher. It matches everything when nothing is set.
func (m *Matcher) Compile() (*route.Matcher, error) {
	spec := m.Spec()
	if spec == nil {
		return nil, nil
	}
	return route.NewMatcher(*spec)
}

// Spec is what a matcher is made of; nil when nothing is set.
func (m *Matcher) Spec() *route.MatcherSpec {
	if *m == (Matcher{}) {
		return nil
	}
	return &route.MatcherSpec{
		Exact: m.Exact, Prefix: m.Prefix, Suffix: m.Suffix, Regex: m.Regex, Present: m.Present,
		Range:      route.Range{Start: int64(m.Range.Start), End: int64(m.Range.End)},
		IgnoreCase: m.IgnoreCase, Invert: m.Invert,
	}
}

// Compile makes a matcher of a header. It needs one that is set.
func (m *HeaderMatcher) Compile() (route.HeaderMatcher, error) {
	compiled, err := m.Matcher.Compile()
	if compiled == nil && err == nil {
		err = route.ErrNoMatcher
	}
	return route.HeaderMatcher{Name: m.Name, Matcher: compiled}, err
}
