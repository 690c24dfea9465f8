package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// listener is one of Envoy's listeners that has the filter.
type listener struct {
	name       string
	address    string
	statPrefix string
	lifeSpan   time.Duration // 0: Envoy's default, which is ours
	cluster    *cluster
	tls        *tls
	routes     []*route
	notes      []string
}

func (l *listener) note(text string) { l.notes = append(l.notes, text) }

// skip leaves a table out as a whole.
func (o *object) skip() {
	if o == nil {
		return
	}
	for key := range o.keys {
		o.read[key] = true
	}
}

// listener converts one that has the filter; of others only the name is noted.
func (c *converter) listener(o *object) {
	name := o.text("name")
	var chain, filter *object
	var others []string
	further := 0
	for _, candidate := range o.objects("filter_chains") {
		switch f, beside := rocketFilter(candidate); {
		case f == nil:
			candidate.skip()
		case chain == nil:
			chain, filter, others = candidate, f, beside
		default:
			candidate.skip()
			further++
		}
	}
	if filter == nil {
		o.skip()
		c.note(fmt.Sprintf("not converted: the listener %s, which has no filter %s", quote(name), filterName))
		return
	}
	l := &listener{
		name: c.listenerNames.name(name, fmt.Sprintf("listener_%d", len(c.listeners))), address: o.object("address").socketAddress(),
		tls: downstreamTLS(chain.object("transport_socket")),
	}
	c.listeners = append(c.listeners, l)
	if l.address == "" && !o.has("address") {
		c.doc.fault(o.path+".address", "is missing")
	}
	for _, other := range others {
		l.note("the filter " + quote(other) + " has no counterpart")
	}
	if further > 0 {
		l.note(fmt.Sprintf("further filter chains with this filter were left out: %d; write a listener for each", further))
	}
	l.filters(o.objects("listener_filters"))
	c.filter(l, filter)
}

// filters notes what stands before the filter chain.
func (l *listener) filters(list []*object) {
	for _, f := range list {
		name := f.text("name")
		f.skip()
		if strings.HasSuffix(name, "proxy_protocol") {
			l.note("Envoy takes a PROXY header from everybody here; write the addresses of your load balancers into proxy_protocol_from")
		} else {
			l.note("listener filter " + quote(name) + " has no counterpart")
		}
	}
}

// rocketFilter is the configuration of the filter in a chain, nil if there is none, and the names of those beside it.
func rocketFilter(chain *object) (config *object, others []string) {
	for _, f := range chain.objects("filters") {
		name, typed := f.text("name"), f.object("typed_config")
		kind, value := typed.text("@type"), typed
		if strings.HasSuffix(kind, ".TypedStruct") {
			kind, value = typed.text("type_url"), typed.object("value")
		}
		switch ours := name == filterName || strings.HasSuffix(kind, filterType); {
		case !ours || config != nil:
			f.skip()
			typed.skip()
			others = append(others, name)
		case value == nil:
			f.doc.fault(join(f.path, "typed_config"), "is missing")
		default:
			config = value
		}
	}
	return config, others
}

// filter converts the filter itself.
func (c *converter) filter(l *listener, o *object) {
	if l.statPrefix = o.text("stat_prefix"); l.statPrefix == "" {
		c.doc.fault(join(o.path, "stat_prefix"), "is missing, and Envoy insists on it")
	}
	if fit := validName(l.statPrefix, "main"); fit != l.statPrefix && l.statPrefix != "" {
		l.note("stat_prefix is " + quote(l.statPrefix) + " in Envoy")
		l.statPrefix = fit
	}
	if span, ok := o.duration("transient_object_life_span"); ok {
		l.lifeSpan = span
	}
	if o.boolean("develop_mode") {
		l.note("develop_mode: clients are always told the proxy's address; write listener.advertise when they reach it by another one")
	} else {
		l.note("without develop_mode Envoy tells clients the brokers' own addresses; here they are told the proxy's, and connect to nothing else")
	}
	table := o.object("route_config")
	table.take("name")
	for _, r := range table.objects("routes") {
		if converted := c.route(r); converted != nil {
			l.routes = append(l.routes, converted)
		}
	}
	if len(l.routes) == 0 {
		c.doc.fault(join(o.path, "route_config.routes"), "is empty: Envoy would answer every request with an error")
		return
	}
	l.reachable()
	l.chooseCluster()
}

// reachable leaves out the routes behind one that takes everything.
func (l *listener) reachable() {
	i := slices.IndexFunc(l.routes, (*route).everything)
	if i >= 0 && i < len(l.routes)-1 {
		l.note(fmt.Sprintf("routes were left out behind the one for every topic, which takes all their requests: %d", len(l.routes)-1-i))
		l.routes = l.routes[:i+1]
	}
}

// chooseCluster makes the cluster of a route for everything the listener's own. Otherwise some cluster has to be.
func (l *listener) chooseCluster() {
	last := len(l.routes) - 1
	if !l.routes[last].everything() {
		l.cluster = l.routes[0].cluster
		l.note("Envoy refuses requests that no route matches; here they go to the listener's cluster, for which the first route's was chosen")
		return
	}
	l.cluster = l.routes[last].cluster
	if len(l.routes[last].subset) == 0 {
		l.routes = l.routes[:last]
	}
}

// tls is what a transport socket says.
type tls struct {
	certificate, key, ca, serverName string
	clients                          bool // must show a certificate
	notes                            []string
}

func downstreamTLS(socket *object) *tls {
	t, config := transportSocket(socket)
	if t != nil {
		if t.clients = config.boolean("require_client_certificate"); !t.clients && t.ca != "" {
			t.notes = append(t.notes, "clients may come without a certificate in Envoy; with client_ca they must show one")
		}
	}
	return t
}

func upstreamTLS(socket *object) *tls {
	t, config := transportSocket(socket)
	if t != nil {
		t.serverName = config.text("sni")
	}
	return t
}

// transportSocket reads what both sides have in common; nil is no TLS.
func transportSocket(socket *object) (t *tls, config *object) {
	if socket == nil {
		return nil, nil
	}
	name := socket.text("name")
	config = socket.object("typed_config")
	kind := config.text("@type")
	if name == "envoy.transport_sockets.raw_buffer" || strings.HasSuffix(kind, ".RawBuffer") {
		return nil, nil
	}
	if !strings.HasSuffix(kind, "TlsContext") {
		socket.doc.fault(socket.path, "is "+quote(name)+", which has no counterpart; only TLS has one")
		return nil, nil
	}
	t = &tls{}
	common := config.object("common_tls_context")
	for i, pair := range common.objects("tls_certificates") {
		if i > 0 {
			pair.skip()
			t.notes = append(t.notes, "further certificates have no counterpart")
			break
		}
		t.certificate, t.key = t.file(pair, "certificate_chain"), t.file(pair, "private_key")
	}
	if validation := common.object("validation_context"); validation != nil {
		t.ca = t.file(validation, "trusted_ca")
	}
	return t, config
}

// file is the path of a data source. What stands in the configuration itself must be put into a file.
func (t *tls) file(o *object, key string) string {
	source := o.object(key)
	if source == nil {
		return ""
	}
	if name := source.text("filename"); name != "" {
		return name
	}
	source.skip()
	t.notes = append(t.notes, key+" is no file in Envoy; write it into one and name it here")
	return ""
}
