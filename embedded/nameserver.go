package embedded

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// NameServer is one name server of a cluster. All of them know the same.
type NameServer struct {
	server
	registry *registry
}

func newNameServer(cl *Cluster, addr string) *NameServer {
	ns := &NameServer{registry: cl.registry}
	ns.server = server{
		clock: cl.options.Clock, log: cl.options.Logger, addr: addr, version: cl.options.Version,
		handle: ns.serveRequest, gone: func(*connection) {},
	}
	return ns
}

// Stop closes the port and all connections and returns when no goroutine is left. What it knows survives.
func (ns *NameServer) Stop() { ns.shut() }

// Restart opens the port again, at the same address; connections there may still be are closed.
func (ns *NameServer) Restart() error {
	ns.shut()
	return ns.open()
}

// nameServerHandlers are the requests that a name server knows (DefaultRequestProcessor.java).
var nameServerHandlers = map[int32]func(*NameServer, *request) *codec.Command{
	codec.ReqRegisterBroker:                (*NameServer).refuseRegistration,
	codec.ReqUnregisterBroker:              (*NameServer).ignoreUnregistration,
	codec.ReqGetRouteInfoByTopic:           (*NameServer).topicRoute,
	codec.ReqGetBrokerClusterInfo:          (*NameServer).clusterInfo,
	codec.ReqGetAllTopicListFromNameServer: (*NameServer).topicList,
	codec.ReqGetTopicsByCluster:            (*NameServer).topicsOfCluster,
	codec.ReqGetSystemTopicListFromNS:      (*NameServer).systemTopics,
	codec.ReqGetUnitTopicList:              (*NameServer).noTopics,
	codec.ReqGetHasUnitSubTopicList:        (*NameServer).noTopics,
	codec.ReqGetHasUnitSubUnunitTopicList:  (*NameServer).noTopics,
	codec.ReqPutKVConfig:                   (*NameServer).putKV,
	codec.ReqGetKVConfig:                   (*NameServer).getKV,
	codec.ReqDeleteKVConfig:                (*NameServer).deleteKV,
	codec.ReqGetKVListByNamespace:          (*NameServer).listKV,
	codec.ReqDeleteTopicInNamesrv:          (*NameServer).deleteTopic,
	codec.ReqWipeWritePermOfBroker:         (*NameServer).wipeWritePerm,
	codec.ReqAddWritePermOfBroker:          (*NameServer).addWritePerm,
	codec.ReqUpdateNamesrvConfig:           (*NameServer).updateConfig,
	codec.ReqGetNamesrvConfig:              (*NameServer).getConfig,
}

func (ns *NameServer) serveRequest(r *request) {
	handler := nameServerHandlers[r.Code]
	if handler == nil {
		r.answer(r.unsupported())
		return
	}
	r.answer(handler(ns, r))
}

func (ns *NameServer) topicRoute(r *request) *codec.Command {
	topic := r.Ext["topic"]
	route := ns.registry.route(topic)
	if route == nil {
		return r.refuse(codec.ResTopicNotExist, "No topic route info in name server for the topic: %s"+
			"See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.", topic)
	}
	// ClientRequestProcessor.java#getRouteInfoByTopic: standard JSON for clients that are new enough or ask for it.
	standard := r.Version >= codec.Version4_9_4 || r.Ext["acceptStandardJsonOnly"] == "true"
	ok := r.ok()
	ok.Body = route.appendJSON(nil, standard)
	return ok
}

func (ns *NameServer) clusterInfo(r *request) *codec.Command {
	ok := r.ok()
	ok.Body = ns.registry.clusterInfo()
	return ok
}

// refuseRegistration answers 103: the brokers of a cluster are in this process and do not register over the wire.
func (ns *NameServer) refuseRegistration(r *request) *codec.Command {
	return r.refuse(codec.ResSystemError, "brokers outside of this process cannot register here")
}

// ignoreUnregistration answers 104, which succeeds for a broker that is not registered.
func (ns *NameServer) ignoreUnregistration(r *request) *codec.Command { return r.ok() }
