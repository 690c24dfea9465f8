// Package exposition is the Prometheus text format, version 0.0.4, as far as the library that counts does not speak it:
// names whose labels are escaped as the format wants it ([Name]), and pages in which each metric stands together under
// its HELP and TYPE ([Write]). What is known of each metric is the table in families.go; a metric that is added gets a
// line there and one in docs/OPERATIONS.md.
//
// The format is https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
package exposition

import (
	"bytes"
	"io"
	"strings"
)

// escaper writes the value of a label: of backslash, quote and line feed the format knows escapes, of nothing else, so
// %q would write pages that no scraper reads. A NUL ends the input of Prometheus' own parser.
var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\x00", "\ufffd")

// Name is a metric with its labels, each a name and a value: Name("up", "cluster", "main") is up{cluster="main"}.
// Values may be anything, also what strangers have chosen; what is not UTF-8 is replaced.
func Name(family string, labels ...string) string {
	if len(labels) == 0 {
		return family
	}
	return family + "{" + Labels(labels...) + "}"
}

// Labels is what stands between the braces of a [Name].
func Labels(labels ...string) string {
	var b strings.Builder
	for i := 0; i < len(labels); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(labels[i])
		b.WriteString(`="`)
		escaper.WriteString(&b, strings.ToValidUTF8(labels[i+1], "\ufffd"))
		b.WriteByte('"')
	}
	return b.String()
}

// Write writes a page to w from samples, lines without HELP and TYPE in any order. Families stand in the order in which
// they come, and the samples of each in theirs.
func Write(w io.Writer, samples []byte) error {
	var order []*group
	groups := map[string]*group{}
	for line := range bytes.Lines(samples) {
		name := familyOf(line)
		if name == "" {
			continue
		}
		g := groups[name]
		if g == nil {
			g = &group{name: name}
			groups[name] = g
			order = append(order, g)
		}
		g.lines = append(g.lines, line)
	}
	page := make([]byte, 0, 2*len(samples))
	for _, g := range order {
		page = g.appendTo(page)
	}
	_, err := w.Write(page)
	return err
}

// group is all samples of one family.
type group struct {
	name  string
	lines [][]byte
}

func (g *group) appendTo(page []byte) []byte {
	about, known := families[g.name]
	if !known {
		about = family{kind: "untyped"}
	}
	if about.help != "" {
		page = append(page, "# HELP "+g.name+" "+about.help+"\n"...)
	}
	page = append(page, "# TYPE "+g.name+" "+about.kind+"\n"...)
	for _, line := range g.lines {
		page = append(page, line...)
	}
	return page
}

// familyOf is the family that a sample belongs to: a histogram's _bucket, _sum and _count are its own. "" for comments
// and empty lines.
func familyOf(sample []byte) string {
	end := bytes.IndexAny(sample, "{ #\r\n")
	if end <= 0 {
		return ""
	}
	name := string(sample[:end])
	if _, known := families[name]; known {
		return name
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base := strings.TrimSuffix(name, suffix)
		if about := families[base]; base != name && (about.kind == "histogram" || about.kind == "summary") {
			return base
		}
	}
	return name
}
