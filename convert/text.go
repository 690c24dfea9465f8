package convert

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// quote writes a text as TOML.
func quote(text string) string { return config.Quote(text) }

// text is the result.
func (c *converter) text() string {
	var w writer
	w.comment("Converted from a configuration of Envoy by rocketmq-proxy convert. See what is still missing with")
	w.comment("rocketmq-proxy check --config FILE")
	for _, note := range c.head {
		w.comment(note)
	}
	for _, cl := range c.order {
		w.cluster(cl)
	}
	for _, l := range c.listeners {
		w.listener(l)
	}
	for _, l := range c.listeners {
		for _, r := range l.routes {
			w.route(l, r, len(c.listeners) > 1)
		}
	}
	if c.admin != "" {
		w.table("[admin]")
		w.set("address", quote(c.admin))
	}
	return w.String()
}

// writer writes TOML.
type writer struct{ strings.Builder }

// comment writes a comment, whatever the document has put into it.
func (w *writer) comment(text string) {
	fmt.Fprintf(w, "# %s\n", strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�")))
}

func (w *writer) table(header string) { fmt.Fprintf(w, "\n%s\n", header) }

func (w *writer) set(key, value string) { fmt.Fprintf(w, "%s = %s\n", key, value) }

// text writes a key whose value is text, unless it is empty.
func (w *writer) text(key, value string) {
	if value != "" {
		w.set(key, quote(value))
	}
}

func (w *writer) notes(list []string) {
	for _, note := range list {
		w.comment(note)
	}
}

func (w *writer) cluster(cl *cluster) {
	w.table("[[cluster]]")
	w.notes(cl.notes)
	w.text("name", cl.name)
	if len(cl.brokers) == 0 {
		w.set("name_servers", "[]")
	}
	if t := cl.tls; t != nil {
		w.table("[cluster.tls]")
		w.notes(t.notes)
		w.set("enabled", "true")
		if w.text("ca", t.ca); t.ca == "" {
			w.comment("Envoy does not verify the brokers' certificates without a trusted_ca; here the authorities of this system are used")
		}
		w.text("certificate", t.certificate)
		w.text("key", t.key)
		w.text("server_name", t.serverName)
	}
	for _, b := range cl.brokers {
		w.broker(b)
	}
}

func (w *writer) broker(b broker) {
	w.table("[[cluster.broker]]")
	w.notes(b.notes)
	w.text("name", b.name)
	w.set("id", fmt.Sprint(b.id))
	w.text("address", b.address)
	w.text("cluster", b.cluster)
	if b.described {
		w.set("read_queues", fmt.Sprint(b.readQueues))
		w.set("write_queues", fmt.Sprint(b.writeQueues))
		w.set("perm", fmt.Sprint(b.perm))
	}
	if len(b.metadata) > 0 {
		w.set("metadata", pairs(b.metadata))
	}
}

func (w *writer) listener(l *listener) {
	w.table("[[listener]]")
	w.notes(l.notes)
	w.text("name", l.name)
	w.text("address", l.address)
	w.text("cluster", l.cluster.name)
	w.set("brokers", quote("one-port"))
	w.set("unnamed", quote("balance"))
	if l.lifeSpan > 0 {
		w.set("transient_object_life_span", quote(l.lifeSpan.String()))
	}
	w.text("stat_prefix", l.statPrefix)
	w.set("vip_channel", "false")
	if t := l.tls; t != nil {
		w.table("[listener.tls]")
		w.notes(t.notes)
		w.set("mode", quote("required"))
		w.text("certificate", t.certificate)
		w.text("key", t.key)
		if t.clients {
			w.text("client_ca", t.ca)
		}
	}
}

func (w *writer) route(l *listener, r *route, several bool) {
	w.table("[[route]]")
	w.notes(r.notes)
	if several {
		w.text("listener", l.name)
	}
	w.set("topic", "{ "+r.topic.inline()+" }")
	if len(r.headers) > 0 {
		list := make([]string, len(r.headers))
		for i, h := range r.headers {
			list[i] = h.inline()
		}
		w.set("headers", "["+strings.Join(list, ", ")+"]")
	}
	w.text("cluster", r.cluster.name)
	if len(r.subset) > 0 {
		w.set("subset", pairs(r.subset))
	}
}

func (m matcher) inline() string {
	text := m.kind + " = " + quote(m.value)
	if m.ignoreCase {
		text += ", ignore_case = true"
	}
	return text
}

func (h header) inline() string {
	text := "{ name = " + quote(h.name) + ", "
	switch h.kind {
	case "range":
		text += fmt.Sprintf("range = { start = %d, end = %d }", h.start, h.end)
	case "present":
		text += "present = true"
	default:
		text += h.matcher.inline()
	}
	if h.invert {
		text += ", invert = true"
	}
	return text + " }"
}

func pairs(list []pair) string {
	items := make([]string, len(list))
	for i, p := range list {
		items[i] = config.QuoteKey(p.key) + " = " + quote(p.value)
	}
	return "{ " + strings.Join(items, ", ") + " }"
}
