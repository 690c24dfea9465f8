package config

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// Line is the route as decisions need it. Of a configuration that was validated there is no error.
func (r *Route) Line() (l route.Line, err error) {
	l = route.Line{Cluster: r.Cluster, Subset: r.Subset, DrainFrom: r.DrainFrom}
	if l.Topic, err = r.Topic.Compile(); err != nil {
		return l, err
	}
	for i := range r.Headers {
		h, err := r.Headers[i].Compile()
		if err != nil {
			return l, err
		}
		l.Headers = append(l.Headers, h)
	}
	return l, nil
}

// RoutesOf are the routes that a listener goes by, in their order, with their places in the configuration.
func (c *Config) RoutesOf(l *Listener) (routes []*Route, places []int) {
	for i := range c.Routes {
		if r := &c.Routes[i]; r.Listener == "" || r.Listener == l.Name {
			routes, places = append(routes, r), append(places, i)
		}
	}
	return routes, places
}

// ClustersOf are the clusters behind a listener: its own and those that its routes name, in the order of the configuration.
func (c *Config) ClustersOf(l *Listener) (list []*Cluster) {
	needed := map[string]bool{l.Cluster: true}
	routes, _ := c.RoutesOf(l)
	for _, r := range routes {
		needed[r.Cluster], needed[r.DrainFrom] = true, true
	}
	for i := range c.Clusters {
		if cl := &c.Clusters[i]; needed[cl.Name] {
			list = append(list, cl)
		}
	}
	return list
}
