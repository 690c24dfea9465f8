package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func (c *checker) routes() {
	lines := make([]*route.Line, len(c.cfg.Routes))
	clusters, list := c.cfg.clusterNames()
	for i := range c.cfg.Routes {
		r, at := &c.cfg.Routes[i], index("route", i)
		c.routesListener(join(at, "listener"), r.Listener)
		c.known(join(at, "cluster"), r.Cluster, clusters, list)
		if r.DrainFrom != "" {
			c.known(join(at, "drain_from"), r.DrainFrom, clusters, list)
		}
		if r.DrainFrom == r.Cluster && r.DrainFrom != "" {
			c.add(join(at, "drain_from"), quote(r.DrainFrom), "is the cluster that the topics are in", "write the cluster that they come from, or remove it", join(at, "cluster"))
		}
		c.subset(at, r)
		lines[i] = c.line(at, r)
	}
	c.covered(lines)
	c.collisions()
}

// known checks the name of a cluster.
func (c *checker) known(key, name string, clusters map[string]bool, list string) {
	switch {
	case clusters[name] || len(clusters) == 0:
	case name == "":
		c.add(key, quote(name), "a route needs a cluster to lead to", "write one of "+list, "cluster")
	default:
		c.add(key, quote(name), "no [[cluster]] has that name", "write one of "+list, "cluster")
	}
}

func (c *checker) routesListener(key, name string) {
	names := map[string]bool{}
	for i := range c.cfg.Listeners {
		names[c.cfg.Listeners[i].Name] = true
	}
	if name != "" && !names[name] {
		c.add(key, quote(name), "no [[listener]] has that name", `write one of `+short(strings.Join(sortedKeys(names), ", "))+`, or "" for all`, "listener")
	}
}

// subset checks that brokers with such metadata are written down.
func (c *checker) subset(at string, r *Route) {
	for i := range c.cfg.Clusters {
		cl, key := &c.cfg.Clusters[i], join(at, "subset")
		if cl.Name != r.Cluster || len(r.Subset) == 0 {
			continue
		}
		value := written(reflect.ValueOf(r.Subset))
		if len(cl.Brokers) == 0 {
			c.add(key, value, fmt.Sprintf("cluster %q has name servers, and what they tell of brokers has no metadata", cl.Name),
				"remove it, or write the cluster's brokers down as [[cluster.broker]]", join(at, "cluster"), index("cluster", i))
		} else if len(cl.Static().Agreeing(r.Subset)) == 0 {
			c.add(key, value, fmt.Sprintf("no broker of cluster %q has such metadata", cl.Name),
				"correct it, or give cluster.broker.metadata to some of them", join(at, "cluster"), index("cluster", i))
		}
	}
}

// line checks the matchers of a route; nil: they cannot be used.
func (c *checker) line(at string, r *Route) *route.Line {
	found := len(c.problems)
	_, err := r.Topic.Compile()
	c.matcher(join(at, "topic"), r.Topic, err)
	if r.Topic.Range != (Range{}) || r.Topic.Present {
		c.add(join(at, "topic"), written(reflect.ValueOf(r.Topic)), "a topic has no range, and is always present", "write exact, prefix, suffix or regex, or remove it for every topic")
	}
	for i := range r.Headers {
		h, key := r.Headers[i], index(join(at, "headers"), i)
		if h.Name == "" {
			c.add(join(key, "name"), quote(""), "a header needs a name", `write "language", "version", "code", "group" or the name of an ext field`)
		}
		_, err := h.Compile()
		c.matcher(key, h.Matcher, err)
		c.onePortOnly(key, r, h.Name)
	}
	l, err := r.Line()
	if err != nil || len(c.problems) > found {
		return nil
	}
	if l.NeverMatches() {
		c.add(join(at, "topic"), written(reflect.ValueOf(r.Topic)), "never matches: topics of groups are in all clusters of a listener", "remove the route")
	}
	return &l
}

// matcher notes why a matcher cannot be compiled.
func (c *checker) matcher(key string, m Matcher, err error) {
	value := written(reflect.ValueOf(m))
	const one = "write exactly one of exact, prefix, suffix, regex, range and present"
	switch {
	case err == nil:
	case errors.Is(err, route.ErrNoMatcher):
		c.add(key, value, "has nothing to match with", one)
	case errors.Is(err, route.ErrManyMatchers):
		c.add(key, value, "has more than one matcher", one)
	case errors.Is(err, route.ErrEmptyRange):
		c.add(join(key, "range"), written(reflect.ValueOf(m.Range)), "no number lies in it: the end is not included", "write a start below the end")
	default:
		c.add(join(key, "regex"), quote(m.Regex), "is not a regular expression: "+err.Error(), "write it in RE2 syntax, in quotes '…' so that \\ needs no escape")
	}
}

// onePortOnly checks that a header that a request for a route does not have is asked for on one-port listeners only.
func (c *checker) onePortOnly(key string, r *Route, name string) {
	if name == "" || name == route.MatchLanguage || name == route.MatchVersion {
		return
	}
	for i := range c.cfg.Listeners {
		l := &c.cfg.Listeners[i]
		if r.Listener != "" && r.Listener != l.Name || l.Brokers != PortPerBroker {
			continue
		}
		c.add(join(key, "name"), quote(name), fmt.Sprintf("is not in a request for a route, by which alone clients of listener %q find their brokers", l.Name),
			"match topic, language or version, or set route.listener to one with brokers = \"one-port\"", join(index("listener", i), "brokers"))
		return
	}
}

// covered finds routes that no request reaches, because an earlier one takes them all.
func (c *checker) covered(lines []*route.Line) {
	for i := range lines {
		for j := range i {
			if c.covers(lines, j, i) {
				c.add(index("route", i), "", fmt.Sprintf("never matches: %s takes every request before it", index("route", j)),
					fmt.Sprintf("write %s above %s, or remove it", index("route", i), index("route", j)), index("route", j))
				break
			}
		}
	}
}

// covers reports that a route takes whatever a later one would.
func (c *checker) covers(lines []*route.Line, i, later int) bool {
	name := c.cfg.Routes[i].Listener
	return lines[i] != nil && lines[later] != nil && (name == "" || name == c.cfg.Routes[later].Listener) && lines[i].Covers(lines[later])
}

// collisions finds static brokers of different clusters of one listener that have the same name: clients know them by it.
func (c *checker) collisions() {
	for i := range c.cfg.Listeners {
		l, holders := &c.cfg.Listeners[i], map[string]string{}
		for _, cl := range c.cfg.ClustersOf(l) {
			at := index("cluster", slices.IndexFunc(c.cfg.Clusters, func(o Cluster) bool { return o.Name == cl.Name }))
			for j := range cl.Brokers {
				key, name := join(index(join(at, "broker"), j), "name"), cl.Brokers[j].Name
				if holder := holders[name]; holder != "" && !strings.HasPrefix(holder, at) {
					c.add(key, quote(name), fmt.Sprintf("is the name of a broker of another cluster behind listener %q, and clients know brokers by their names", l.Name),
						"rename one of them (brokerName), or give each cluster a listener of its own", holder)
					continue
				}
				holders[name] = key
			}
		}
	}
}
