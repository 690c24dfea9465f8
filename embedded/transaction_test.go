package embedded_test

import (
	"encoding/hex"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// prepare sends a half message and returns the fields that end it.
func prepare(t *testing.T, p *peer, body, props string) string {
	t.Helper()
	f := sendFields("Orders", 2, properties("TRAN_MSG=true PGROUP=pg UNIQ_KEY=u-"+body+" "+props))
	f["sysFlag"] = "4"
	answer := p.call(codec.ReqSendMessage, f, body)
	require.Equal(t, codec.ResSuccess, answer.Code, answer.Remark)
	require.Equal(t, "u-"+body, answer.Ext["transactionId"])
	raw, err := hex.DecodeString(answer.Ext["msgId"][16:])
	require.NoError(t, err)
	offset, err := strconv.ParseInt(hex.EncodeToString(raw), 16, 64)
	require.NoError(t, err)
	return "producerGroup=pg msgId=u-" + body + " tranStateTableOffset=" + answer.Ext["queueOffset"] + " commitLogOffset=" + itoa(offset) + " commitOrRollback="
}

func TestTransactionEnds(t *testing.T) {
	cl, _ := manual(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	commit, rollback := prepare(t, p, "kept", ""), prepare(t, p, "gone", "")
	require.Empty(t, b.Messages("Orders"))
	require.Equal(t, codec.ResSystemError, p.call(codec.ReqEndTransaction, ext("producerGroup=other "+commit[len("producerGroup=pg "):]+"8"), "").Code)
	p.ok(codec.ReqEndTransaction, commit+"8", "")
	p.ok(codec.ReqEndTransaction, rollback+"12", "")
	all := b.Messages("Orders")
	require.Len(t, all, 1)
	require.Equal(t, "kept", string(all[0].Body))
	require.Equal(t, int32(2), all[0].Queue)
	require.NotContains(t, all[0].Properties, "TRAN_MSG")
	require.Equal(t, codec.ResSystemError, p.call(codec.ReqEndTransaction, ext(commit+"8"), "").Code, "it has ended")
}

func TestProducerIsAskedAboutItsTransaction(t *testing.T) {
	cl, clock := manual(t, embedded.Options{TransactionTimeout: 5 * time.Second, TransactionCheckInterval: 2 * time.Second})
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	end := prepare(t, p, "asked", "")
	p.write(codec.ReqEndTransaction, ext(end+"0"), "") // unknown: no answer
	clock.Advance(6 * time.Second)                     // no producer is registered: asked again later
	p.beat("p1", nil, "pg")
	clock.Advance(2 * time.Second)
	check := p.push()
	require.Equal(t, codec.ReqCheckTransactionState, check.Code)
	require.True(t, check.IsOneway())
	require.Equal(t, "u-asked", check.Ext["transactionId"])
	half := messages(t, check.Body)
	require.Equal(t, "Orders", half[0].topic)
	require.Equal(t, "asked", half[0].body)
	p.ok(codec.ReqEndTransaction, end+"8 fromTransactionCheck=true", "")
	clock.Advance(time.Minute)
	require.Len(t, b.Messages("Orders"), 1)
	p.ok(codec.ReqGetMaxOffset, "topic=Orders queueId=0", "")
	require.Empty(t, p.pushed, "nobody asks about what has ended")
}
