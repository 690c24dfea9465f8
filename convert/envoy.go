package convert

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxDocument is the size of the largest document that is read, in bytes.
const MaxDocument = 4 << 20

// The filter that is converted, and the namespaces of metadata that it knows.
const (
	filterName = "envoy.filters.network.rocketmq_proxy"
	filterType = "envoy.extensions.filters.network.rocketmq_proxy.v3.RocketmqProxy"
	subsets    = "envoy.lb"
)

// Envoy converts a bootstrap configuration of Envoy, or the part of one that has static_resources. The error of a
// document that cannot be converted has a line for each thing that is wrong with it.
func Envoy(doc []byte) (toml string, err error) {
	root, err := parse(doc)
	if err != nil {
		return "", err
	}
	d := &document{}
	c := &converter{doc: d, listenerNames: names{}, clusterNames: names{}, clusters: map[string]*cluster{}}
	c.bootstrap(d.object(root, ""))
	if len(d.problems) > 0 {
		return "", errors.Join(d.problems...)
	}
	c.unread()
	return c.text(), nil
}

// parse reads the only document that there is.
func parse(doc []byte) (root any, err error) {
	if len(doc) > MaxDocument {
		return nil, fmt.Errorf("cannot read the document: it is longer than %d bytes; leave out what is not for RocketMQ", MaxDocument)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(doc))
	if err = decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil, errors.New("cannot read the document: it is empty; give a bootstrap configuration of Envoy")
	}
	if err == nil {
		err = decoder.Decode(new(any))
	}
	switch {
	case errors.Is(err, io.EOF):
		return root, nil
	case err == nil:
		return nil, errors.New("cannot read the document: it holds more than one; separate them")
	}
	return nil, fmt.Errorf("cannot read the document: %s; correct it first", oneLine(strings.TrimPrefix(err.Error(), "yaml: ")))
}

// names are those that are taken.
type names map[string]bool

// converter goes through a document and gathers what the result consists of.
type converter struct {
	doc           *document
	listenerNames names // that are taken here
	clusterNames  names
	clusters      map[string]*cluster // by their names in Envoy
	order         []*cluster          // those that routes name, the first first
	listeners     []*listener
	head          []string // comments at the top
	admin         string   // address; "": as it is here
}

// bootstrap reads a whole configuration: clusters last, because only those that routes name are wanted.
func (c *converter) bootstrap(root *object) {
	if root == nil {
		return
	}
	resources := root.object("static_resources")
	if resources == nil {
		c.doc.fault("static_resources", "is missing: listeners that come from a management server cannot be seen here; convert what `/config_dump` of its admin address shows as static_resources")
		return
	}
	for _, l := range resources.objects("listeners") {
		c.listener(l)
	}
	if len(c.listeners) == 0 && len(c.doc.problems) == 0 {
		c.doc.fault("static_resources.listeners", "has no filter "+filterName+": there is nothing to convert")
	}
	for _, l := range resources.objects("clusters") {
		c.cluster(l)
	}
	for _, cl := range c.order {
		if !cl.found {
			cl.note("no cluster of the file has that name in Envoy; list the name servers that know its brokers")
		}
	}
	c.adminAddress(root.object("admin"))
}

// adminAddress keeps an address that needs no credential.
func (c *converter) adminAddress(admin *object) {
	address := admin.object("address").socketAddress()
	switch {
	case address == "":
	case strings.HasPrefix(address, "127.0.0.1:"), strings.HasPrefix(address, "[::1]:"):
		c.admin = address
	default:
		c.note("admin.address is " + quote(address) + " in Envoy; here it needs admin.token_file or admin.client_ca when it is not on loopback, so the default stays")
	}
}

// note adds a comment at the top of the result.
func (c *converter) note(text string) { c.head = append(c.head, text) }

// unread notes what nobody has asked for.
func (c *converter) unread() {
	for _, place := range c.doc.unread() {
		text := "not converted: " + place
		if instead := counterparts[place[strings.LastIndexByte(place, '.')+1:]]; instead != "" {
			text += ": " + instead
		}
		c.note(text)
	}
}

// counterparts say what there is instead of what is not converted, by the last part of its name.
var counterparts = map[string]string{
	"access_log":            "there is none of requests",
	"circuit_breakers":      "the table [limits], and [[limit]]",
	"connect_timeout":       "timeouts.dial",
	"dynamic_resources":     "a changed file and a reload",
	"health_checks":         "brokers that take no connections are left out",
	"layered_runtime":       "of upstream.maintenance_mode, cluster.maintenance",
	"lb_policy":             "queues and their brokers are taken in turn",
	"locality":              "cluster.broker.metadata",
	"outlier_detection":     "brokers that take no connections are left out",
	"stats_sinks":           "metrics.push_url",
	"tls_params":            "listener.tls.min_version",
	"runtime":               "of upstream.maintenance_mode, cluster.maintenance",
	"tcp_keepalive":         "connections are kept alive",
	"load_balancing_weight": "queues and their brokers are taken in turn",
}

// name makes a name that is valid here and not taken.
func (n names) name(wanted, otherwise string) string {
	name := validName(wanted, otherwise)
	unique := name
	for i := 2; n[unique]; i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	n[unique] = true
	return unique
}

// validName is a name without the characters that names cannot have here.
func validName(wanted, otherwise string) string {
	name := strings.TrimLeft(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("_.-", r) {
			return r
		}
		return '_'
	}, wanted), ".-")
	return cmp.Or(name, otherwise)
}
