package embedded

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A handle is what a client gives back, so it may be anything. One that is taken stands for the same when written again.
func FuzzHandle(f *testing.F) {
	for _, s := range []string{
		"", "100 1700000000000 60000 5 0 broker-a 3 104", "100 1700000000000 60000 5 0 broker-a 3",
		"-1 0 0 0 2 b 9999999999 0", "  0 0 0 0  b 0", strings.Repeat("1 ", 100), "9223372036854775808 0 0 0 0 b 0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := parseHandle(s)
		if !ok {
			return
		}
		c := checkpoint{key: offsetKey{topic: "News", queue: h.queue}, start: h.start, popTime: h.popTime, invisible: h.invisible, revive: h.revive}
		again, ok := parseHandle(c.handle(h.broker, 0))
		require.True(t, ok)
		h.retry, again.retry = "", ""
		require.Equal(t, h, again)
	})
}

// A body is whatever a client writes. What is taken is taken again in the form that brokers write.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"clientID":"c","consumerDataSet":{"groupName":5,"messageModel":"1","subscriptionDataSet":[{"tagsSet":"","subVersion":"7"}]}}`,
		`{"consumerDataSet":[null]}`, `{"producerDataSet":[[]]}`, `{"consumerDataSet":{"subscriptionDataSet":{"tagsSet":[],"codeSet":["1"]}}}`, `{"heartbeatFingerprint":1e99,"withoutSub":-1}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var read, again heartbeatData
		if decodeBody([]byte(s), &read) != nil {
			return
		}
		text, err := json.Marshal(read)
		require.NoError(t, err)
		require.NoError(t, decodeBody(text, &again))
		textAgain, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(text), string(textAgain))
	})
}

// Properties come from producers. What is set is found again, and what is taken out is gone; the others stay.
func FuzzProperties(f *testing.F) {
	for _, s := range []string{"", "KEYS\x01a b\x02TAGS\x01x\x02", "KEYS\x01a", "\x02\x02", "\x01\x02", "KEYS\x01\x01\x02", "a\x02b\x01c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := properties(s)
		before := p.without(propTags).toMap()
		set := p.with(propTags, "set")
		require.Equal(t, "set", set.get(propTags))
		require.Empty(t, set.without(propTags).get(propTags))
		require.Equal(t, before, set.without(propTags).toMap())
	})
}
