package convert

import (
	"fmt"
	"slices"
	"strconv"
)

// cluster is one of Envoy's clusters that a route names.
type cluster struct {
	name    string
	found   bool
	brokers []broker
	tls     *tls
	notes   []string
}

func (cl *cluster) note(text string) { cl.notes = append(cl.notes, text) }

// broker is one endpoint.
type broker struct {
	name, address, cluster string
	id                     int64
	readQueues             int64
	writeQueues            int64
	perm                   int64
	described              bool // the endpoint's metadata has these numbers
	metadata               []pair
	notes                  []string
}

// pair is an entry of metadata.
type pair struct{ key, value string }

// wanted is the cluster that a route names.
func (c *converter) wanted(name string) *cluster {
	cl := c.clusters[name]
	if cl == nil {
		cl = &cluster{name: c.clusterNames.name(name, "cluster")}
		c.clusters[name] = cl
		c.order = append(c.order, cl)
	}
	return cl
}

// cluster converts one that a route names; of others only the name is noted.
func (c *converter) cluster(o *object) {
	name := o.text("name")
	cl := c.clusters[name]
	switch {
	case cl == nil:
		o.skip()
		c.note("not converted: the cluster " + quote(name) + ", which no route of the filter names")
		return
	case cl.found:
		c.doc.fault(o.path, "has the name of another cluster, "+quote(name))
		return
	}
	cl.found = true
	if cl.name != name {
		cl.note("its name is " + quote(name) + " in Envoy")
	}
	kind := o.text("type")
	cl.tls = upstreamTLS(o.object("transport_socket"))
	assignment := o.object("load_assignment")
	assignment.take("cluster_name")
	for _, locality := range assignment.objects("endpoints") {
		for _, endpoint := range locality.objects("lb_endpoints") {
			cl.brokers = append(cl.brokers, c.broker(cl, endpoint))
		}
	}
	o.take("lb_subset_config")
	o.take("eds_cluster_config")
	if len(cl.brokers) == 0 {
		if kind == "" {
			kind = "STATIC"
		}
		cl.note(fmt.Sprintf("its endpoints are not in the file (type %s): list the name servers that know its brokers", oneLine(kind)))
	}
}

// broker converts an endpoint.
func (c *converter) broker(cl *cluster, o *object) broker {
	endpoint, metadata := o.object("endpoint"), o.object("metadata")
	b := broker{address: endpoint.object("address").socketAddress()}
	if b.address == "" && (endpoint == nil || !endpoint.has("address")) {
		c.doc.fault(o.path, "must have endpoint.address")
	}
	b.metadata = c.namespace(metadata, subsets, b.note)
	all := metadata.object("filter_metadata")
	said := all.object(filterName)
	b.name, b.cluster = said.text("broker_name"), said.text("cluster_name")
	b.described = said.has("read_queue_num") || said.has("write_queue_num") || said.has("perm")
	b.readQueues, b.writeQueues = said.whole("read_queue_num", 0, 1<<31-1), said.whole("write_queue_num", 0, 1<<31-1)
	b.perm, b.id = said.whole("perm", 0, 7), said.whole("broker_id", 0, 1<<31-1)
	for _, key := range said.others("") {
		switch key {
		case "broker_name", "cluster_name", "read_queue_num", "write_queue_num", "perm", "broker_id":
		default:
			b.add(key, said.keys[key])
		}
	}
	for _, other := range all.others(filterName) {
		if other != subsets {
			b.note("metadata of " + quote(other) + " has no counterpart")
		}
	}
	if b.name == "" {
		b.name = fmt.Sprintf("%s-%d", cl.name, len(cl.brokers))
		b.note("the endpoint's metadata has no broker_name, which Envoy's filter needs: write the broker's brokerName")
	}
	if b.described && b.perm&6 == 0 {
		b.perm = 6
		b.note("perm is missing in Envoy, or 0, which no client can use")
	}
	return b
}

func (b *broker) note(text string) { b.notes = append(b.notes, text) }

const noCounterpart = " is a list or a table, which has no counterpart"

// add takes an entry of the filter's own metadata. It is text here.
func (b *broker) add(key string, value any) {
	switch text, ok := scalar(value); {
	case slices.ContainsFunc(b.metadata, func(p pair) bool { return p.key == key }):
		b.note("metadata " + quote(key) + " of " + filterName + " was left out: " + subsets + " has one of that name")
	case ok:
		b.metadata = append(b.metadata, pair{key, text})
	default:
		b.note("metadata " + quote(key) + noCounterpart)
	}
}

// namespace is the metadata of one namespace, in the order of its keys.
func (c *converter) namespace(metadata *object, name string, note func(string)) (pairs []pair) {
	all := metadata.raw("filter_metadata")
	table, ok := all[name].(map[string]any)
	if all[name] != nil && !ok {
		c.doc.fault(metadata.path+".filter_metadata."+name, "must be a table of names and values")
	}
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	for _, key := range sorted(keys) {
		if text, ok := scalar(table[key]); ok {
			pairs = append(pairs, pair{key, text})
		} else {
			note("metadata " + quote(key) + noCounterpart)
		}
	}
	return pairs
}

// scalar is a value of metadata as text.
func scalar(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
