package embedded

import (
	"encoding/hex"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// relayWait is how long a broker waits for a client for an admin.
const relayWait = 10 * time.Second

// connectionInfo is one client in the bodies of 203 and 204 (Connection.java).
type connectionInfo struct {
	ClientAddr string `json:"clientAddr"`
	ClientID   string `json:"clientId"`
	Language   string `json:"language"`
	Version    int32  `json:"version"`
}

func connectionInfos(members map[*connection]*member) []connectionInfo {
	infos := []connectionInfo{}
	for _, who := range sortedMembers(members) {
		infos = append(infos, connectionInfo{who.conn.peer.String(), who.clientID, who.language.String(), who.version})
	}
	return infos
}

// consumerConnections handles 203.
func (b *Broker) consumerConnections(r *request) *codec.Command {
	g := b.members.consumers[r.Ext["consumerGroup"]]
	if g == nil {
		return r.refuse(codec.ResConsumerNotOnline, "the consumer group[%s] not online", r.Ext["consumerGroup"])
	}
	return r.withJSON(map[string]any{
		"connectionSet": connectionInfos(g.members), "consumeFromWhere": g.from,
		"consumeType": g.consumeType, "messageModel": g.model, "subscriptionTable": g.subscriptions,
	})
}

// producerConnections handles 204.
func (b *Broker) producerConnections(r *request) *codec.Command {
	members := b.members.producers[r.Ext["producerGroup"]]
	if members == nil {
		return r.refuse(codec.ResSystemError, "the producer group[%s] not exist", r.Ext["producerGroup"])
	}
	return r.withJSON(map[string]any{"connectionSet": connectionInfos(members)})
}

// producers handles 328.
func (b *Broker) producers(r *request) *codec.Command {
	data := make(map[string][]map[string]any)
	for group, members := range b.members.producers {
		for _, who := range sortedMembers(members) {
			data[group] = append(data[group], map[string]any{
				"clientId": who.clientID, "remoteIP": who.conn.peer.String(),
				"language": who.language.String(), "version": who.version, "lastUpdateTimestamp": who.beatAt,
			})
		}
	}
	return r.withJSON(map[string]any{"data": data})
}

// runningInfo handles 307: the client that is asked about answers itself.
func (b *Broker) runningInfo(r *request) *codec.Command {
	return b.relay(r, maps.Clone(r.Ext), nil)
}

// consumeDirectly handles 309: a client consumes one message that the admin names by its offset id.
func (b *Broker) consumeDirectly(r *request) *codec.Command {
	rec := b.set.store.find(offsetOfID(r.Ext["msgId"]))
	if rec == nil {
		return r.refuse(codec.ResSystemError, "no message has the id %q", r.Ext["msgId"])
	}
	fields := maps.Clone(r.Ext)
	fields["brokerName"], fields["topic"] = b.Name(), rec.topic
	fields["topicSysFlag"], fields["groupSysFlag"] = "0", "0"
	return b.relay(r, fields, rec.frame)
}

// offsetOfID reads the commit log offset from the end of an offset message id; -1 from what is none.
func offsetOfID(id string) int64 {
	if _, err := hex.DecodeString(id); err != nil || len(id) < 16 {
		return -1
	}
	offset, err := strconv.ParseInt(id[len(id)-16:], 16, 64)
	if err != nil {
		return -1
	}
	return offset
}

// relay passes a request to a member and answers with what it says (AdminBrokerProcessor.java#callConsumer).
func (b *Broker) relay(r *request, fields map[string]string, body []byte) *codec.Command {
	group, client := r.Ext["consumerGroup"], r.Ext["clientId"]
	who := b.members.find(group, client)
	if who == nil {
		return r.refuse(codec.ResSystemError, "The Consumer <%s> <%s> not online", group, client)
	}
	who.conn.ask(r.Code, fields, body, relayWait, func(said *codec.Command) {
		if said == nil {
			r.answer(r.refuse(codec.ResConsumeMsgTimeout, "consumer <%s> <%s> Timeout", group, client))
			return
		}
		r.answer(&codec.Command{Code: said.Code, Remark: said.Remark, Ext: said.Ext, Body: said.Body})
	})
	return nil
}

// find looks a member of a group up by its client id.
func (m *membership) find(group, client string) *member {
	if g := m.consumers[group]; g != nil {
		for _, who := range g.sorted() {
			if who.clientID == client {
				return who
			}
		}
	}
	return nil
}

// consumerStatus handles 223: every member is asked (221) how far it has come.
func (b *Broker) consumerStatus(r *request) *codec.Command {
	group, topic := r.Ext["group"], r.Ext["topic"]
	g := b.members.consumers[group]
	if g == nil {
		return r.refuse(codec.ResSystemError, "No Any Consumer online in the consumer group: [%s]", group)
	}
	members := g.sorted()
	var mu sync.Mutex
	body, waiting := []byte(`{"consumerTable":{`), len(members)
	for _, who := range members {
		who.conn.ask(codec.ReqGetConsumerStatusFromClient, map[string]string{"topic": topic, "group": group}, nil, relayWait/2,
			func(said *codec.Command) {
				mu.Lock()
				defer mu.Unlock()
				if said != nil && said.Code == codec.ResSuccess {
					body = codec.AppendJSONString(appendComma(body, len(body)-len(`{"consumerTable":{`)), who.clientID)
					body = append(append(body, ':'), objectUnder(said.Body, "messageQueueTable")...)
				}
				if waiting--; waiting == 0 {
					ok := r.ok()
					ok.Body = append(body, `},"messageQueueTable":{}}`...)
					r.answer(ok)
				}
			})
	}
	return nil
}
