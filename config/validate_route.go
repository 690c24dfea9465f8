package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func (c *checker) routes() {
	lines := make([]*route.Line, len(c.cfg.Routes))
	const noCluster = "a route needs a cluster to lead to"
	withPorts := c.cfg.withPorts()
	for i := range c.cfg.Routes {
		r, at := &c.cfg.Routes[i], index("route", i)
		c.entry(join(at, "listener"), r.Listener, &c.listenerList, "")
		c.entry(join(at, "cluster"), r.Cluster, &c.clusterList, noCluster)
		if r.DrainFrom != "" {
			c.entry(join(at, "drain_from"), r.DrainFrom, &c.clusterList, noCluster)
		}
		if r.DrainFrom == r.Cluster && r.DrainFrom != "" {
			c.add(join(at, "drain_from"), quote(r.DrainFrom), "is the cluster that the topics are in", "write the cluster that they come from, or remove it", join(at, "cluster"))
		}
		c.subset(at, r)
		lines[i] = c.line(at, r, withPorts)
	}
	c.covered(lines)
	c.collisions()
}

// subset checks that brokers with such metadata are written down.
func (c *checker) subset(at string, r *Route) {
	i, has := c.clusterList.places[r.Cluster]
	if !has || len(r.Subset) == 0 {
		return
	}
	cl, key, value := &c.cfg.Clusters[i], join(at, "subset"), written(reflect.ValueOf(r.Subset))
	if len(cl.Brokers) == 0 {
		c.add(key, value, fmt.Sprintf("cluster %q has name servers, and what they tell of brokers has no metadata", cl.Name),
			"remove it, or write the cluster's brokers down as [[cluster.broker]]", join(at, "cluster"), index("cluster", i))
	} else if !c.metadataOf(i).agrees(r.Subset) {
		c.add(key, value, fmt.Sprintf("no broker of cluster %q has such metadata", cl.Name),
			"correct it, or give cluster.broker.metadata to some of them", join(at, "cluster"), index("cluster", i))
	}
}

// metadata are the brokers of a cluster by each key and value of what is written down about them.
type metadata map[[2]string][]*route.StaticBroker

func (c *checker) metadataOf(cluster int) metadata {
	m, has := c.metadata[cluster]
	if has {
		return m
	}
	m = metadata{}
	for _, b := range c.cfg.Clusters[cluster].Static().Lowest() {
		for key, word := range b.Metadata {
			m[[2]string{key, word}] = append(m[[2]string{key, word}], b)
		}
	}
	c.metadata[cluster] = m
	return m
}

// agrees reports that a broker has all of some words. It looks at those with the rarest of them.
func (m metadata) agrees(words map[string]string) bool {
	var lists [][]*route.StaticBroker
	for key, word := range words {
		lists = append(lists, m[[2]string{key, word}])
	}
	rarest := slices.MinFunc(lists, func(a, b []*route.StaticBroker) int { return len(a) - len(b) })
	return slices.ContainsFunc(rarest, func(b *route.StaticBroker) bool { return b.Agrees(words) })
}

// line checks the matchers of a route; nil: they cannot be used.
func (c *checker) line(at string, r *Route, withPorts map[string]int) *route.Line {
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
		c.onePortOnly(key, r, h.Name, withPorts)
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
func (c *checker) onePortOnly(key string, r *Route, name string, withPorts map[string]int) {
	i, has := withPorts[r.Listener]
	if name == "" || name == route.MatchLanguage || name == route.MatchVersion || !has {
		return
	}
	c.add(join(key, "name"), quote(name), fmt.Sprintf("is not in a request for a route, by which alone clients of listener %q find their brokers", c.cfg.Listeners[i].Name),
		"match topic, language or version, or set route.listener to one with brokers = \"one-port\"", join(index("listener", i), "brokers"))
}

// withPorts are the numbers of the listeners with a port for each broker, by name; of several with one name, the first. "" is
// the first of all.
func (c *Config) withPorts() map[string]int {
	found := map[string]int{}
	for i := range c.Listeners {
		for _, name := range []string{"", c.Listeners[i].Name} {
			if _, has := found[name]; !has && c.Listeners[i].Brokers == PortPerBroker {
				found[name] = i
			}
		}
	}
	return found
}

// covered finds routes that no request reaches, because an earlier one takes them all. Of routes for one topic each there may
// be many: such a one is compared with those for the same topic only.
func (c *checker) covered(lines []*route.Line) {
	var wide []int
	exact := map[string][]int{}
	for i := range lines {
		topic := &c.cfg.Routes[i].Topic
		name := strings.ToLower(topic.Exact)
		for _, j := range slices.Sorted(slices.Values(slices.Concat(wide, exact[name]))) {
			if c.covers(lines, j, i) {
				c.add(index("route", i), "", fmt.Sprintf("never matches: %s takes every request before it", index("route", j)),
					fmt.Sprintf("write %s above %s, or remove it", index("route", i), index("route", j)), index("route", j))
				break
			}
		}
		if name == "" || topic.Invert {
			wide = append(wide, i)
		} else {
			exact[name] = append(exact[name], i)
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
	behind := c.clustersBehind()
	for i := range c.cfg.Listeners {
		l, holders := &c.cfg.Listeners[i], map[string]string{}
		places := behind(l)
		if len(places) < 2 {
			continue
		}
		for _, place := range places {
			at := index("cluster", place)
			for j, b := range c.cfg.Clusters[place].Brokers {
				key := join(index(join(at, "broker"), j), "name")
				if holder := holders[b.Name]; holder != "" && !strings.HasPrefix(holder, at) {
					c.add(key, quote(b.Name), fmt.Sprintf("is the name of a broker of another cluster behind listener %q, and clients know brokers by their names", l.Name),
						"rename one of them (brokerName), or give each cluster a listener of its own", holder)
					continue
				}
				holders[b.Name] = key
			}
		}
	}
}

// clustersBehind is [Config.ClustersOf] for all listeners, by the numbers of clusters.
func (c *checker) clustersBehind() func(l *Listener) []int {
	named := map[string]map[int]bool{} // by the routes of a listener; "": of all
	for i := range c.cfg.Routes {
		r := &c.cfg.Routes[i]
		if named[r.Listener] == nil {
			named[r.Listener] = map[int]bool{}
		}
		for _, name := range []string{r.Cluster, r.DrainFrom} {
			if place, has := c.clusterList.places[name]; has {
				named[r.Listener][place] = true
			}
		}
	}
	return func(l *Listener) []int {
		all := maps.Clone(named[l.Name])
		if all == nil {
			all = map[int]bool{}
		}
		maps.Copy(all, named[""])
		if place, has := c.clusterList.places[l.Cluster]; has {
			all[place] = true
		}
		return slices.Sorted(maps.Keys(all))
	}
}
