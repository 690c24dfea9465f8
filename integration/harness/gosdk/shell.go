package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/apache/rocketmq-clients/golang/v5"
	"github.com/apache/rocketmq-clients/golang/v5/credentials"
)

// awaitDuration is how long a simple consumer's receive waits for messages. It asks one queue at a time.
const awaitDuration = time.Second

// shell has the clients of this process.
type shell struct {
	say func(*reply)

	mu       sync.Mutex
	clients  map[string]any
	received []*sdk.MessageView
	checked  atomic.Int32
}

func newShell(out *json.Encoder) *shell {
	var mu sync.Mutex
	return &shell{clients: map[string]any{}, say: func(r *reply) {
		mu.Lock()
		defer mu.Unlock()
		if err := out.Encode(r); err != nil {
			panic(err) // the harness has gone
		}
	}}
}

func (s *shell) run(c *command) {
	r := &reply{}
	if err := s.carryOut(c, r); err != nil {
		r.Error = err.Error()
	}
	r.ID = c.ID
	s.say(r)
}

func (s *shell) carryOut(c *command, r *reply) error {
	switch c.Do {
	case "producer":
		return s.startProducer(c)
	case "simple consumer":
		return s.startSimple(c)
	case "push consumer":
		return s.startPush(c)
	case "send":
		return s.send(c, r)
	case "recall":
		return s.recall(c, r)
	case "receive":
		return s.receive(c, r)
	case "ack":
		return client[sdk.SimpleConsumer](s, c).Ack(context.Background(), s.view(c.Message))
	case "change":
		return client[sdk.SimpleConsumer](s, c).ChangeInvisibleDuration(s.view(c.Message), time.Duration(c.Millis)*time.Millisecond)
	case "checked":
		r.Checked = int(s.checked.Load())
		return nil
	case "close":
		return s.close(c.Client)
	}
	return fmt.Errorf("cannot %q", c.Do)
}

func config(c *command) *sdk.Config {
	return &sdk.Config{Endpoint: c.Endpoints, ConsumerGroup: c.Group, Credentials: &credentials.SessionCredentials{}}
}

func (s *shell) startProducer(c *command) error {
	p, err := sdk.NewProducer(config(c), sdk.WithTopics(c.Topic), sdk.WithTransactionChecker(&sdk.TransactionChecker{Check: s.check}))
	return s.start(c, p, err)
}

// check ends a transaction as its message says.
func (s *shell) check(m *sdk.MessageView) sdk.TransactionResolution {
	s.checked.Add(1)
	if m.GetProperties()["kind"] == "commit" {
		return sdk.COMMIT
	}
	return sdk.ROLLBACK
}

func (s *shell) startSimple(c *command) error {
	p, err := sdk.NewSimpleConsumer(config(c), sdk.WithSimpleAwaitDuration(awaitDuration), sdk.WithSimpleSubscriptionExpressions(subscription(c)))
	return s.start(c, p, err)
}

func (s *shell) startPush(c *command) error {
	listener := &sdk.FuncMessageListener{Consume: func(m *sdk.MessageView) sdk.ConsumerResult { return s.consume(c.Client, m) }}
	p, err := sdk.NewPushConsumer(config(c), sdk.WithPushAwaitDuration(5*time.Second), sdk.WithPushSubscriptionExpressions(subscription(c)),
		sdk.WithPushMessageListener(listener))
	return s.start(c, p, err)
}

func subscription(c *command) map[string]*sdk.FilterExpression {
	e := sdk.SUB_ALL
	switch {
	case c.SQL:
		e = sdk.NewFilterExpressionWithType(c.Filter, sdk.SQL92)
	case c.Filter != "":
		e = sdk.NewFilterExpression(c.Filter)
	}
	return map[string]*sdk.FilterExpression{c.Topic: e}
}

// starter is what all clients can.
type starter interface {
	Start() error
	GracefulStop() error
	SetRequestTimeout(d time.Duration)
}

func (s *shell) start(c *command, client any, err error) error {
	if err != nil {
		return err
	}
	begun := client.(starter)
	if c.Millis > 0 {
		begun.SetRequestTimeout(time.Duration(c.Millis) * time.Millisecond)
	}
	if err := begun.Start(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c.Client] = client
	return nil
}

// client returns a client that was started; without it the process ends, as the harness is wrong.
func client[T any](s *shell, c *command) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[c.Client].(T)
}

func (s *shell) send(c *command, r *reply) error {
	m := &sdk.Message{Topic: c.Topic, Body: c.Body}
	if c.Tag != "" {
		m.SetTag(c.Tag)
	}
	m.SetKeys(c.Keys...)
	if c.Order != "" {
		m.SetMessageGroup(c.Order)
	}
	if c.DeliverAt > 0 {
		m.SetDelayTimestamp(time.UnixMilli(c.DeliverAt))
	}
	for key, value := range c.Properties {
		m.AddProperty(key, value)
	}
	p := client[sdk.Producer](s, c)
	if c.Outcome != "" {
		return transact(p, m, c.Outcome, r)
	}
	receipts, err := p.Send(context.Background(), m)
	return receipt(receipts, err, r)
}

func receipt(all []*sdk.SendReceipt, err error, r *reply) error {
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return fmt.Errorf("%d receipts for a message", len(all))
	}
	r.MessageID, r.RecallHandle = all[0].MessageID, all[0].RecallHandle
	return nil
}

func transact(p sdk.Producer, m *sdk.Message, outcome string, r *reply) error {
	transaction := p.BeginTransaction()
	receipts, err := p.SendWithTransaction(context.Background(), m, transaction)
	if err := receipt(receipts, err, r); err != nil {
		return err
	}
	switch outcome {
	case "commit":
		return transaction.Commit()
	case "rollback":
		return transaction.RollBack()
	}
	return nil
}

func (s *shell) recall(c *command, r *reply) (err error) {
	r.MessageID, err = client[sdk.Producer](s, c).Recall(context.Background(), c.Topic, c.Handle)
	return err
}

// receive returns nothing where this SDK has an error for it.
func (s *shell) receive(c *command, r *reply) error {
	views, err := client[sdk.SimpleConsumer](s, c).Receive(context.Background(), c.Max, time.Duration(c.Millis)*time.Millisecond)
	var status *sdk.ErrRpcStatus
	if errors.As(err, &status) && status.Code == 40401 {
		return nil
	}
	for _, v := range views {
		r.Messages = append(r.Messages, s.keep(v))
	}
	return err
}

// consume tells of a message and fails as often as its property "refuse" says.
func (s *shell) consume(name string, v *sdk.MessageView) sdk.ConsumerResult {
	s.say(&reply{Client: name, Messages: []message{s.keep(v)}})
	if refuse, _ := strconv.Atoi(v.GetProperties()["refuse"]); int(v.GetDeliveryAttempt()) <= refuse {
		return sdk.FAILURE
	}
	if pause, _ := strconv.Atoi(v.GetProperties()["pause_ms"]); pause > 0 {
		time.Sleep(time.Duration(pause) * time.Millisecond)
	}
	return sdk.SUCCESS
}

func (s *shell) keep(v *sdk.MessageView) message {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, v)
	m := message{
		Number: len(s.received), ID: v.GetMessageId(), Topic: v.GetTopic(), Body: v.GetBody(), Keys: v.GetKeys(),
		Properties: v.GetProperties(), Attempt: int(v.GetDeliveryAttempt()),
	}
	if tag := v.GetTag(); tag != nil {
		m.Tag = *tag
	}
	if group := v.GetMessageGroup(); group != nil {
		m.Order = *group
	}
	return m
}

func (s *shell) view(number int) *sdk.MessageView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received[number-1]
}

func (s *shell) close(name string) error {
	s.mu.Lock()
	c := s.clients[name]
	delete(s.clients, name)
	s.mu.Unlock()
	return c.(starter).GracefulStop()
}

func (s *shell) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		_ = c.(starter).GracefulStop()
	}
}
