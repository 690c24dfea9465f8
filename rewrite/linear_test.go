package rewrite_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/linear"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// Name servers, brokers and clients decide what bodies look like; twice as much is twice the work.
func TestWorkPerBodyIsLinear(t *testing.T) {
	list := func(format, item string) func(n int) string {
		return func(n int) string { return fmt.Sprintf(format, strings.TrimSuffix(strings.Repeat(item+",", n), ",")) }
	}
	route := func(body []byte) error {
		_, err := rewrite.TopicRoute(body, rewrite.Quoted, evenIDs)
		return err
	}
	cluster := func(body []byte) error {
		_, err := rewrite.ClusterInfo(body, evenIDs)
		return err
	}
	heartbeat := func(body []byte) error {
		if _, ok := rewrite.ReadHeartbeat(body); !ok {
			return fmt.Errorf("malformed")
		}
		return nil
	}
	leave := func(body []byte) error {
		if _, left := rewrite.HeartbeatWithout(body, "", "g"); !left {
			return fmt.Errorf("malformed")
		}
		return nil
	}
	for name, c := range map[string]struct {
		read func(body []byte) error
		body func(n int) string
	}{
		"brokers":           {route, func(n int) string { return string(manyBrokers(n / 8)) }},
		"processes":         {route, list(`{"brokerDatas":[{"brokerName":"a","brokerAddrs":{%s}}]}`, `0:"h:1",1:"h:2"`)},
		"queues":            {route, list(`{"queueDatas":[%s]}`, `{"brokerName":"a"}`)},
		"bare keys":         {route, list(`{"x":{%s}}`, `1:2`)},
		"objects as keys":   {route, list(`{"x":{%s}}`, `{"a":1}:2`)},
		"escaped keys":      {route, list(`{%s}`, `"\u0061":2`)},
		"one long escape":   {route, func(n int) string { return `{"` + strings.Repeat(`\u0061`, n) + `":1}` }},
		"brokers by name":   {cluster, func(n int) string { return `{"brokerAddrTable":{` + clusterTable(n/4) + `}}` }},
		"names of clusters": {cluster, list(`{"clusterAddrTable":{"A":[%s]}}`, `"a"`)},
		"groups":            {heartbeat, list(`{"clientID":"c","consumerDataSet":[%s]}`, `{"groupName":"g","subscriptionDataSet":[{"topic":"T"}]}`)},
		"groups that leave": {leave, list(`{"producerDataSet":[{"groupName":"p"}],"consumerDataSet":[%s]}`, `{"groupName":"g"}`)},
		"group names":       {heartbeat, list(`{"consumerDataSet":[{%s}]}`, `"groupName":"\u0067roup-of-consumers-of-orders-0001"`)},
	} {
		t.Run(name, func(t *testing.T) {
			linear.Require(t, 300, func(n int) func() {
				body := []byte(c.body(n))
				return func() {
					if err := c.read(body); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func clusterTable(n int) string {
	brokers := make([]string, n)
	for i := range brokers {
		brokers[i] = fmt.Sprintf(`"b%d":{"brokerAddrs":{0:"h:1",1:"h:2"}}`, i)
	}
	return strings.Join(brokers, ",")
}

// However a body is cut up: a piece costs what it has bytes.
func TestWorkPerPieceIsLinear(t *testing.T) {
	for _, size := range []int{1, 100, 4096} {
		linear.Require(t, 200, func(n int) func() {
			body := bytes.Repeat(messageV4, n)
			var s rewrite.StoreHosts
			return func() {
				s.Begin(len(body), known)
				for from := 0; from < len(body); from += size {
					s.Rewrite(body[from:min(from+size, len(body))])
				}
			}
		})
	}
	linear.Require(t, 500, func(n int) func() {
		ids := []byte(strings.TrimSuffix(strings.Repeat(idV4+",", n), ","))
		return func() { rewrite.MessageIDs(ids, known) }
	})
}
