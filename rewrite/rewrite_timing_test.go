package rewrite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// manyBrokers is a 105 body with n brokers of one master and one slave.
func manyBrokers(n int) []byte {
	brokers, queues := make([]string, n), make([]string, n)
	for i := range n {
		brokers[i] = fmt.Sprintf(`{"brokerAddrs":{0:"10.0.%d.1:10911",1:"10.0.%d.2:10911"},"brokerName":"broker-%d","cluster":"DefaultCluster","enableActingMaster":false}`, i, i, i)
		queues[i] = fmt.Sprintf(`{"brokerName":"broker-%d","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}`, i)
	}
	return []byte(`{"brokerDatas":[` + strings.Join(brokers, ",") + `],"filterServerTable":{},"queueDatas":[` + strings.Join(queues, ",") + `]}`)
}

func BenchmarkRewriteTopicRoute(b *testing.B) {
	for _, brokers := range []int{1, 16} {
		for name, d := range map[string]rewrite.Dialect{"quoted": rewrite.Quoted, "unquoted": rewrite.Unquoted} {
			b.Run(fmt.Sprintf("%d brokers %s", brokers, name), func(b *testing.B) {
				body := manyBrokers(brokers)
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := rewrite.TopicRoute(body, d, everywhere); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkRewriteCluster(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rewrite.ClusterInfo([]byte(clusterBody), everywhere); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadHeartbeat(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		rewrite.ReadHeartbeat([]byte(heartbeatBody))
	}
}
