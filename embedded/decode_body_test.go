package embedded

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bodyOf makes the struct that a kind of body in testdata/bodies.tsv is read into.
func bodyOf(t *testing.T, kind string) any {
	t.Helper()
	switch kind {
	case "heartbeat":
		return new(heartbeatData)
	case "lock":
		return new(lockBody)
	case "group":
		return newGroupConfig("")
	case "mode":
		return new(requestMode)
	case "topic":
		return new(TopicConfig)
	case "ack":
		return new(batchAck)
	case "subscription":
		return new(subscription)
	}
	require.Fail(t, "a kind that is unknown: "+kind)
	return nil
}

// What a real one made of a body is written there in plain JSON, which the library of Go reads.
func TestBodiesAreReadAsARealOneReadsThem(t *testing.T) {
	text, err := os.ReadFile("testdata/bodies.tsv")
	require.NoError(t, err)
	n := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, column, 4, line)
		t.Run(column[0], func(t *testing.T) {
			got := bodyOf(t, column[1])
			err := decodeBody([]byte(column[2]), got)
			if column[3] == "error" {
				require.Error(t, err, "%+v", got)
				return
			}
			require.NoError(t, err)
			want := reflect.New(reflect.TypeOf(got).Elem()).Interface()
			require.NoError(t, json.Unmarshal([]byte(column[3]), want))
			gotJSON, err := json.Marshal(got)
			require.NoError(t, err)
			wantJSON, err := json.Marshal(want)
			require.NoError(t, err)
			require.JSONEq(t, string(wantJSON), string(gotJSON))
		})
	}
	require.Equal(t, 149, n)
}

// Java reads the null, and its handlers throw when they come to it.
func TestNullAmongObjectsIsRefused(t *testing.T) {
	require.Error(t, decodeBody([]byte(`{"consumerDataSet":[null]}`), new(heartbeatData)))
	require.Error(t, decodeBody([]byte(`{"mqSet":[null]}`), new(lockBody)))
	require.Error(t, decodeBody([]byte(`null`), new(lockBody)))
	require.Error(t, decodeBody(nil, new(lockBody)))
}
