package embedded

import (
	"encoding/json"
	"maps"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// withJSON is the answer of success with a body that is ordinary JSON.
func (r *request) withJSON(body any) *codec.Command {
	text, err := json.Marshal(body)
	if err != nil {
		panic("BUG: cannot write a body as JSON: " + err.Error())
	}
	ok := r.ok()
	ok.Body = text
	return ok
}

func (ns *NameServer) withTopics(r *request, keep func(string) bool) *codec.Command {
	return r.withJSON(map[string]any{"topicList": ns.registry.topicNames(keep)})
}

func (ns *NameServer) topicList(r *request) *codec.Command {
	return ns.withTopics(r, func(string) bool { return true })
}

func (ns *NameServer) topicsOfCluster(r *request) *codec.Command {
	return ns.withTopics(r, func(string) bool { return r.Ext["cluster"] == ns.registry.cluster })
}

// systemTopics answers with the names of the cluster and its brokers, as name servers do
// (RouteInfoManager.java#getSystemTopicList).
func (ns *NameServer) systemTopics(r *request) *codec.Command {
	return r.withJSON(map[string]any{"topicList": append([]string{ns.registry.cluster}, ns.registry.brokerNames()...)})
}

// noTopics answers for units, which only Alibaba's own clients have.
func (ns *NameServer) noTopics(r *request) *codec.Command {
	return ns.withTopics(r, func(string) bool { return false })
}

func (ns *NameServer) putKV(r *request) *codec.Command {
	f := r.fields()
	space, key, value := f.str("namespace"), f.str("key"), f.str("value")
	if f.err != nil {
		return r.illegal(f.err)
	}
	g := ns.registry
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kv[space] == nil {
		g.kv[space] = make(map[string]string)
	}
	g.kv[space][key] = value
	return r.ok()
}

func (ns *NameServer) getKV(r *request) *codec.Command {
	ns.registry.mu.Lock()
	value, found := ns.registry.kv[r.Ext["namespace"]][r.Ext["key"]]
	ns.registry.mu.Unlock()
	if !found {
		return r.refuse(codec.ResQueryNotFound, "No config item, Namespace: %s Key: %s", r.Ext["namespace"], r.Ext["key"])
	}
	return r.ok("value", value)
}

func (ns *NameServer) deleteKV(r *request) *codec.Command {
	ns.registry.mu.Lock()
	defer ns.registry.mu.Unlock()
	delete(ns.registry.kv[r.Ext["namespace"]], r.Ext["key"])
	return r.ok()
}

func (ns *NameServer) listKV(r *request) *codec.Command {
	ns.registry.mu.Lock()
	table := maps.Clone(ns.registry.kv[r.Ext["namespace"]])
	ns.registry.mu.Unlock()
	if table == nil {
		return r.refuse(codec.ResQueryNotFound, "No config item, Namespace: %s", r.Ext["namespace"])
	}
	return r.withJSON(map[string]any{"table": table})
}

func (ns *NameServer) deleteTopic(r *request) *codec.Command {
	ns.registry.deleteTopic("", r.Ext["topic"])
	return r.ok()
}

func (ns *NameServer) wipeWritePerm(r *request) *codec.Command {
	return r.ok("wipeTopicCount", itoa(int64(ns.registry.wipe(r.Ext["brokerName"], true))))
}

func (ns *NameServer) addWritePerm(r *request) *codec.Command {
	return r.ok("addTopicCount", itoa(int64(ns.registry.wipe(r.Ext["brokerName"], false))))
}

func (ns *NameServer) updateConfig(r *request) *codec.Command {
	ns.registry.mu.Lock()
	defer ns.registry.mu.Unlock()
	ns.registry.configs = string(r.Body)
	return r.ok()
}

// getConfig answers properties as text. mqadmin falls over an empty body, so there is always a line.
func (ns *NameServer) getConfig(r *request) *codec.Command {
	ns.registry.mu.Lock()
	defer ns.registry.mu.Unlock()
	ok := r.ok()
	ok.Body = []byte("address=" + ns.Addr() + "\n" + ns.registry.configs)
	return ok
}
