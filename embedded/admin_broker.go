package embedded

import (
	"bufio"
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// updateConfig handles 25. The values are kept and shown, and change nothing.
func (b *Broker) updateConfig(r *request) *codec.Command {
	for lines := bufio.NewScanner(bytes.NewReader(r.Body)); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			b.set.configs[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return r.ok()
}

// config handles 26: properties as text.
func (b *Broker) config(r *request) *codec.Command {
	all := map[string]string{
		"brokerClusterName": b.cluster.Name(), "brokerName": b.Name(), "brokerId": itoa(b.id),
		"listenPort": strconv.Itoa(int(b.host.Port())), "brokerIP1": b.host.Addr().String(),
		"namesrvAddr":           strings.Join(b.cluster.NameServers(), ";"),
		"autoCreateTopicEnable": truth(!b.set.options.DisableAutoCreateTopics),
		"maxMessageSize":        strconv.Itoa(b.set.options.MaxMessageSize),
	}
	maps.Copy(all, b.set.configs)
	ok := r.ok("version", `{"counter":0,"stateVersion":0,"timestamp":0}`)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		ok.Body = append(ok.Body, k+"="+all[k]+"\n"...)
	}
	return ok
}

// runtimeInfo handles 28, with the entries that mqadmin reads (ClusterListSubCommand.java).
func (b *Broker) runtimeInfo(r *request) *codec.Command {
	total := itoa(int64(b.Requests(AnyCode)))
	earliest := b.set.now()
	if log := b.set.store.log; len(log) > 0 {
		earliest = log[0].storedAt
	}
	return r.withJSON(map[string]any{"table": map[string]string{
		"brokerVersion": strconv.Itoa(codec.Version5_5_0), "brokerVersionDesc": "V5_5_0",
		"brokerActive": "true", "brokerRole": role(b.id), "bootTimestamp": "0",
		"putTps": "0.0 0.0 0.0", "getTotalTps": "0.0 0.0 0.0", "getTransferredTps": "0.0 0.0 0.0", "getTransferedTps": "0.0 0.0 0.0",
		"getFoundTps": "0.0 0.0 0.0", "getMissTps": "0.0 0.0 0.0", "timerReadBehind": "0", "timerOffsetBehind": "0",
		"timerCongestNum": "0", "timerEnqueueTps": "0.0", "timerDequeueTps": "0.0",
		"sendThreadPoolQueueSize": "0", "sendThreadPoolQueueCapacity": "10000", "sendThreadPoolQueueHeadWaitTimeMills": "0",
		"pullThreadPoolQueueSize": "0", "pullThreadPoolQueueCapacity": "10000", "pullThreadPoolQueueHeadWaitTimeMills": "0",
		"queryThreadPoolQueueHeadWaitTimeMills": "0", "EndTransactionQueueSize": "0", "EndTransactionThreadPoolQueueCapacity": "10000",
		"pageCacheLockTimeMills": "0", "earliestMessageTimeStamp": itoa(earliest), "commitLogDiskRatio": "0.0", "consumeQueueDiskRatio": "0.0",
		"commitLogMinOffset": itoa(b.set.store.first()), "commitLogMaxOffset": itoa(b.set.store.next), "requestTotal": total,
		"msgPutTotalYesterdayMorning": "0", "msgPutTotalTodayMorning": "0", "msgPutTotalTodayNow": "0",
		"msgGetTotalYesterdayMorning": "0", "msgGetTotalTodayMorning": "0", "msgGetTotalTodayNow": "0",
	}})
}

func role(id int64) string {
	if id == 0 {
		return "ASYNC_MASTER"
	}
	return "SLAVE"
}

// first is the commit log offset of the oldest message.
func (s *store) first() int64 {
	if len(s.log) == 0 {
		return s.next
	}
	return s.log[0].offset
}

// nothingToDo answers housekeeping requests (306, 316, 329): there is no disk to clean.
func (b *Broker) nothingToDo(r *request) *codec.Command { return r.ok() }
