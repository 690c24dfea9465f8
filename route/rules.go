package route

import (
	"slices"
	"strings"
)

// Line is one [[route]] table: which topics, asked for or used by whom, are in which cluster.
type Line struct {
	Topic     *Matcher // nil: every topic
	Headers   []HeaderMatcher
	Cluster   string
	Subset    map[string]string // of its brokers, by metadata; nil: all
	DrainFrom string            // a cluster whose queues are shown as well, read-only; "": none
}

// decides reports whether the line says something about a topic's route. One that looks at more than a request for a route
// tells does not.
func (l *Line) decides() bool {
	for _, h := range l.Headers {
		if h.Name != MatchLanguage && h.Name != MatchVersion {
			return false
		}
	}
	return true
}

func (l *Line) matches(topic []byte, f *Facts) bool {
	if !l.Topic.Match(topic, len(topic) > 0) {
		return false
	}
	for _, h := range l.Headers {
		if !h.Match(f) {
			return false
		}
	}
	return true
}

// Covers reports that the line takes every request that a later one could take, as far as that can be decided.
func (l *Line) Covers(later *Line) bool {
	return l.Topic.covers(later.Topic) && coverHeaders(l.Headers, later.Headers)
}

// NeverMatches reports that only topics of groups could match, which no line is asked about.
func (l *Line) NeverMatches() bool { return l.Topic.needs(groupTopics) }

// groupTopics begin the names of topics that belong to a group: each cluster in which it consumes has them
// (MixAll.java#RETRY_GROUP_TOPIC_PREFIX, #DLQ_GROUP_TOPIC_PREFIX; the retry topics of pop begin like the others,
// KeyBuilder.java#buildPopRetryTopic).
var groupTopics = []string{retryTopic, "%DLQ%"}

// retryTopic begins the names of those to which comes back what a group could not process.
const retryTopic = "%RETRY%"

// GroupTopic reports whether a topic belongs to a group.
func GroupTopic(topic string) bool {
	return slices.ContainsFunc(groupTopics, func(prefix string) bool { return strings.HasPrefix(topic, prefix) })
}

// Show is how much of a broker clients are told.
type Show uint8

// From everything to nothing.
const (
	ShowAll      Show = iota
	ShowReadOnly      // consumers see its queues, producers do not
	ShowNothing
)

// Part is what an answer shows of one cluster.
type Part struct {
	Cluster  string
	ReadOnly bool
	brokers  map[string]bool // by name; nil: all
}

// Show is how much it shows of a broker.
func (p *Part) Show(broker string) Show {
	switch {
	case p.brokers != nil && !p.brokers[broker]:
		return ShowNothing
	case p.ReadOnly:
		return ShowReadOnly
	}
	return ShowAll
}

// Lead is where a topic leads: the clusters whose queues clients are shown, the one that producers use first. It never
// changes.
type Lead struct{ Parts []Part }

// Rules are the [[route]] tables of one listener with several clusters. It never changes. nil: there is one cluster.
type Rules struct {
	lines []Line
	leads []Lead // of each line
	own   Lead   // where no line matches
	all   Lead   // for the topics of groups
}

// NewRules makes the rules of a listener. clusters are all of it, and own the one where no line matches; brokers are the names
// of those brokers of a cluster whose metadata agrees.
func NewRules(own string, clusters []string, lines []Line, brokers func(cluster string, metadata map[string]string) map[string]bool) *Rules {
	r := &Rules{lines: lines, own: Lead{[]Part{{Cluster: own}}}}
	for _, cluster := range clusters {
		r.all.Parts = append(r.all.Parts, Part{Cluster: cluster})
	}
	for _, l := range lines {
		part := Part{Cluster: l.Cluster}
		if len(l.Subset) > 0 {
			part.brokers = brokers(l.Cluster, l.Subset)
		}
		lead := Lead{[]Part{part}}
		if l.DrainFrom != "" {
			lead.Parts = append(lead.Parts, Part{Cluster: l.DrainFrom, ReadOnly: true})
		}
		r.leads = append(r.leads, lead)
	}
	return r
}

// Clusters are all of the listener, each with all that it has; nil: there is one.
func (r *Rules) Clusters() *Lead {
	if r == nil {
		return nil
	}
	return &r.all
}

// Route is what the answer to a request for a topic's route shows; nil: all that the one cluster has.
func (r *Rules) Route(topic string, f *Facts) *Lead { return r.lead(topic, f, (*Line).decides) }

// Request is where a request leads that names no broker, by all that it says; nil: to the one cluster.
func (r *Rules) Request(topic string, f *Facts) *Lead {
	return r.lead(topic, f, func(*Line) bool { return true })
}

// lead is that of the first line that is asked and matches.
func (r *Rules) lead(topic string, f *Facts, asked func(*Line) bool) *Lead {
	switch {
	case r == nil:
		return nil
	case GroupTopic(topic):
		return &r.all
	}
	name := []byte(topic)
	for i := range r.lines {
		if l := &r.lines[i]; asked(l) && l.matches(name, f) {
			return &r.leads[i]
		}
	}
	return &r.own
}
