package convert

import (
	"fmt"
	"regexp"
	"strings"
)

// route is one of Envoy's routes.
type route struct {
	topic   matcher
	headers []header
	cluster *cluster
	subset  []pair
	notes   []string
}

// matcher is how one value is matched.
type matcher struct {
	kind, value string // "exact", "prefix", "suffix", "regex"
	ignoreCase  bool
}

// header is a matcher of a header.
type header struct {
	name    string
	matcher       // kind may also be "range" and "present"
	start   int64 // of a range
	end     int64 // not included
	invert  bool
}

// everything reports that no request passes a route by.
func (r *route) everything() bool {
	return r.topic.kind == "regex" && (r.topic.value == ".*" || r.topic.value == "^.*$") && len(r.headers) == 0
}

func (c *converter) route(o *object) *route {
	match, action := o.object("match"), o.object("route")
	if match == nil || action == nil || !match.has("topic") {
		c.doc.fault(o.path, "must have match.topic and route.cluster")
		return nil
	}
	r := &route{topic: c.stringMatcher(match.object("topic"))}
	if r.topic.kind == "prefix" && r.topic.value == "" {
		r.topic = matcher{kind: "regex", value: ".*"}
	}
	for _, h := range match.objects("headers") {
		r.headers = append(r.headers, c.header(r, h))
	}
	name := action.text("cluster")
	if name == "" {
		c.doc.fault(join(action.path, "cluster"), "is missing")
		return nil
	}
	r.cluster = c.wanted(name)
	if metadata := action.object("metadata_match"); metadata != nil {
		r.subset = c.namespace(metadata, subsets, r.note)
		for _, other := range metadata.object("filter_metadata").others(subsets) {
			r.note("metadata_match of " + quote(other) + " has no counterpart, and no meaning in Envoy's filter: it looks at " + subsets)
		}
	}
	return r
}

func (r *route) note(text string) { r.notes = append(r.notes, text) }

// stringMatcher converts an envoy.type.matcher.v3.StringMatcher.
func (c *converter) stringMatcher(o *object) (m matcher) {
	found := 0
	for _, kind := range []string{"exact", "prefix", "suffix", "contains"} {
		if o.has(kind) {
			m.kind, m.value = kind, o.text(kind)
			found++
		}
	}
	if regex := o.object("safe_regex"); regex != nil {
		m.kind, m.value = "regex", c.regex(regex)
		found++
	}
	if o != nil && found != 1 {
		c.doc.fault(o.path, "must have exactly one of exact, prefix, suffix, contains and safe_regex")
	}
	m.ignoreCase = o.boolean("ignore_case") && m.kind != "regex" // of which Envoy says that it has no effect
	return m.written()
}

// written is a matcher that there is here.
func (m matcher) written() matcher {
	if m.kind == "contains" {
		m.kind, m.value = "regex", ".*"+regexp.QuoteMeta(m.value)+".*"
	}
	return m
}

// regex is the expression of a RegexMatcher. Envoy's language is RE2, as Go's.
func (c *converter) regex(o *object) string {
	o.take("google_re2")
	text := o.text("regex")
	if _, err := regexp.Compile(text); err != nil || text == "" {
		c.doc.fault(join(o.path, "regex"), "must be a regular expression (RE2)")
	}
	return text
}

// headersOfEnvoy are those that Envoy's filter gives to a request (MetadataHelper::parseRequest in protocol.cc).
const headersOfEnvoy = "code, and broker_name and broker_id of acks"

// header converts an envoy.config.route.v3.HeaderMatcher.
func (c *converter) header(r *route, o *object) header {
	h := header{name: o.text("name"), invert: o.boolean("invert_match")}
	if h.name == "" {
		c.doc.fault(join(o.path, "name"), "is missing")
	}
	found := 0
	for _, kind := range []string{"exact", "prefix", "suffix", "contains"} {
		if o.has(kind + "_match") {
			h.matcher = matcher{kind: kind, value: o.text(kind + "_match")}.written()
			found++
		}
	}
	if regex := o.object("safe_regex_match"); regex != nil {
		h.matcher = matcher{kind: "regex", value: c.regex(regex)}
		found++
	}
	if text := o.object("string_match"); text != nil {
		h.matcher = c.stringMatcher(text)
		found++
	}
	if span := o.object("range_match"); span != nil {
		const most = 1<<31 - 1 // what a key may have here
		h.kind, h.start, h.end = "range", span.whole("start", -most, most), span.whole("end", -most, most)
		found++
	}
	if o.has("present_match") {
		h.kind = "present"
		h.invert = h.invert == o.boolean("present_match") // false: the header must be absent
		found++
	}
	if found == 0 {
		h.kind = "present"
	}
	if found > 1 {
		c.doc.fault(o.path, "must have at most one kind of match")
	}
	if h.name != "code" {
		r.note(fmt.Sprintf("Envoy's filter knows no header %s (only %s); here it is what the request itself says by that name", quote(h.name), headersOfEnvoy))
	}
	return h
}

// others are the keys beside one. All values count as read.
func (o *object) others(known string) (names []string) {
	if o == nil {
		return nil
	}
	o.skip()
	for name := range o.keys {
		if name != known {
			names = append(names, name)
		}
	}
	return sorted(names)
}

// oneLine keeps what a document says from breaking a line.
func oneLine(text string) string {
	quoted := quote(strings.ToValidUTF8(text, "�"))
	return quoted[1 : len(quoted)-1]
}
