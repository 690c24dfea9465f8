package translate

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Limits of a message (GRPC v2 as Apache's proxy has it).
const (
	MaxBody            = 4 << 20        // bytes
	maxProperties      = 128            // pairs of the user
	maxPropertyBytes   = 16 << 10       // of keys and values, the tag and the message keys
	maxMessageGroup    = 63             // bytes
	maxRecovery        = time.Hour      // of a transaction
	maxLiteTopic       = 64             // bytes
	maxEncodedProperty = 1<<15 - 1      // bytes that a broker takes
	defaultMaxDelay    = 24 * time.Hour // Publishing.MaxDelay
)

// Publishing is what a proxy has to say about messages that are sent.
type Publishing struct {
	Names
	Now      time.Time
	BornHost string        // of messages that name none
	MaxDelay time.Duration // 0: 24 h
}

// Send is a SendMessage that may go to a broker.
type Send struct {
	Topic        string
	Type         pb.MessageType // of all messages
	MessageGroup string         // of a single message; "": any queue will do
	Delayed      bool           // TIMER_DELIVER_MS is set, which brokers before 5.0 do not know
	messages     []publication
	now          time.Time
	deliver      time.Time // of a delayed message
}

// publication is one message as brokers take it.
type publication struct {
	id         string
	properties string
	body       []byte
	sysFlag    int
	born       int64
	reconsumed int32
}

// Bits of a message's sysFlag (MessageSysFlag.java).
const (
	flagCompressed  = 1 << 0
	flagTransaction = 1 << 2
)

// ReadSend validates a SendMessage.
func ReadSend(req *pb.SendMessageRequest, p Publishing) (*Send, error) {
	if len(req.GetMessages()) == 0 {
		return nil, refuse(pb.Code_MESSAGE_CORRUPTED, "there is no message to send")
	}
	s := &Send{now: p.Now}
	for i, m := range req.GetMessages() {
		topic, err := p.Topic(m.GetTopic())
		if err != nil {
			return nil, err
		}
		if i > 0 && topic != s.Topic {
			return nil, refuse(pb.Code_MESSAGE_CORRUPTED, "messages of one request have different topics, %s and %s", s.Topic, topic)
		}
		s.Topic = topic
		one, kind, err := p.read(m, topic)
		if err != nil {
			return nil, err
		}
		if i > 0 && kind != s.Type {
			return nil, refuse(pb.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, "messages of one request have different types, %v and %v", s.Type, kind)
		}
		s.Type = kind
		s.messages = append(s.messages, one)
	}
	if len(s.messages) > 1 && (s.Type == pb.MessageType_DELAY || s.Type == pb.MessageType_TRANSACTION) {
		return nil, refuse(pb.Code_BAD_REQUEST, "messages of type %v cannot be sent several in one request: brokers would deliver them at once", s.Type)
	}
	if at := req.Messages[0].GetSystemProperties().GetDeliveryTimestamp(); at != nil {
		s.Delayed, s.deliver = true, at.AsTime()
	}
	if len(s.messages) == 1 {
		s.MessageGroup = req.Messages[0].GetSystemProperties().GetMessageGroup()
	}
	return s, nil
}

// read validates one message, in the order of Apache's proxy: body, properties, tag, keys, id, type.
func (p Publishing) read(m *pb.Message, topic string) (publication, pb.MessageType, error) {
	one := publication{}
	if err := checkBody(m); err != nil {
		return one, 0, err
	}
	if err := checkProperties(m); err != nil {
		return one, 0, err
	}
	if err := checkSystemProperties(m.GetSystemProperties()); err != nil {
		return one, 0, err
	}
	kind, err := typeOfPublished(m)
	if err != nil {
		return one, 0, err
	}
	if err := p.checkTimes(m.GetSystemProperties()); err != nil {
		return one, 0, err
	}
	one, err = p.encode(m, topic, kind)
	return one, kind, err
}

func checkBody(m *pb.Message) error {
	switch n := len(m.GetBody()); {
	case n == 0:
		return refuse(pb.Code_MESSAGE_BODY_EMPTY, "the message has no body")
	case n > MaxBody:
		return refuse(pb.Code_MESSAGE_BODY_TOO_LARGE, "the body has %d bytes, more than %d", n, MaxBody)
	}
	return checkDigest(m.GetSystemProperties().GetBodyDigest(), m.GetBody())
}

func checkProperties(m *pb.Message) error {
	user, system := m.GetUserProperties(), m.GetSystemProperties()
	if len(user) > maxProperties {
		return refuse(pb.Code_MESSAGE_PROPERTIES_TOO_LARGE, "the message has %d properties, more than %d", len(user), maxProperties)
	}
	size := len(system.GetTag())
	for _, k := range system.GetKeys() {
		size += len(k)
	}
	for _, k := range sortedKeys(user) {
		size += len(k) + len(user[k])
		if reserved[k] || refused[k] {
			return refuse(pb.Code_ILLEGAL_MESSAGE_PROPERTY_KEY, "property %q belongs to the system", k)
		}
		if hasControl(k) || hasControl(user[k]) {
			return refuse(pb.Code_ILLEGAL_MESSAGE_PROPERTY_KEY, "property %q has a control character in its key or value", k)
		}
	}
	if size > maxPropertyBytes {
		return refuse(pb.Code_MESSAGE_PROPERTIES_TOO_LARGE, "properties, tag and keys have %d bytes, more than %d", size, maxPropertyBytes)
	}
	return nil
}

func checkSystemProperties(p *pb.SystemProperties) error {
	if p == nil {
		return refuse(pb.Code_ILLEGAL_MESSAGE_ID, "the message has no system properties, and so no id")
	}
	if p.Tag != nil && (blankOrControl(p.GetTag()) || strings.Contains(p.GetTag(), "|")) {
		return refuse(pb.Code_ILLEGAL_MESSAGE_TAG, "tag %q is blank or has a control character or '|'", p.GetTag())
	}
	if i := slices.IndexFunc(p.GetKeys(), blankOrControl); i >= 0 {
		return refuse(pb.Code_ILLEGAL_MESSAGE_KEY, "message key %q is blank or has a control character", p.GetKeys()[i])
	}
	if blankOrControl(p.GetMessageId()) {
		return refuse(pb.Code_ILLEGAL_MESSAGE_ID, "message id %q is blank or has a control character", p.GetMessageId())
	}
	if g := p.MessageGroup; g != nil && (blankOrControl(*g) || len(*g) > maxMessageGroup) {
		return refuse(pb.Code_ILLEGAL_MESSAGE_GROUP, "message group %.70q is blank, has a control character, or is longer than %d bytes", *g, maxMessageGroup)
	}
	if l := p.LiteTopic; l != nil && (*l == "" || len(*l) > maxLiteTopic || strings.IndexFunc(*l, notInLiteTopic) >= 0) {
		return refuse(pb.Code_ILLEGAL_LITE_TOPIC, "lite topic %.70q is not 1 to %d characters of A-Za-z0-9_-", *l, maxLiteTopic)
	}
	if hasControl(p.GetTraceContext()) || hasControl(p.GetBornHost()) {
		return refuse(pb.Code_ILLEGAL_MESSAGE_PROPERTY_KEY, "trace context or born host has a control character")
	}
	return nil
}

func notInLiteTopic(r rune) bool { return r == '%' || r == '|' || notInName(r) }

// typeOfPublished is the type of a message by what it carries, as brokers see it; message_type only says whether it is a
// half message. What a broker cannot do together is refused.
func typeOfPublished(m *pb.Message) (pb.MessageType, error) {
	p := m.GetSystemProperties()
	transaction := p.GetMessageType() == pb.MessageType_TRANSACTION
	if transaction && (p.MessageGroup != nil || p.DeliveryTimestamp != nil || p.Priority != nil || p.LiteTopic != nil) {
		return 0, refuse(pb.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, "a transactional message has no message group, delivery timestamp, priority or lite topic")
	}
	switch {
	case transaction:
		return pb.MessageType_TRANSACTION, nil
	case p.DeliveryTimestamp != nil:
		return pb.MessageType_DELAY, nil
	case p.MessageGroup != nil:
		return pb.MessageType_FIFO, nil
	case p.Priority != nil:
		return pb.MessageType_PRIORITY, nil
	case p.LiteTopic != nil:
		return pb.MessageType_LITE, nil
	}
	return pb.MessageType_NORMAL, nil
}

func (p Publishing) checkTimes(s *pb.SystemProperties) error {
	most := p.MaxDelay
	if most == 0 {
		most = defaultMaxDelay
	}
	if at := s.DeliveryTimestamp; at != nil {
		if !at.IsValid() || at.AsTime().After(p.Now.Add(most)) {
			return refuse(pb.Code_ILLEGAL_DELIVERY_TIME, "the delivery timestamp is more than %v ahead", most)
		}
	}
	if d := s.OrphanedTransactionRecoveryDuration; d != nil && s.GetMessageType() == pb.MessageType_TRANSACTION {
		if !d.IsValid() || d.AsDuration() > maxRecovery || d.AsDuration() < 0 {
			return refuse(pb.Code_BAD_REQUEST, "orphaned_transaction_recovery_duration is not between 0 and %v", maxRecovery)
		}
	}
	return nil
}

func (p Publishing) encode(m *pb.Message, topic string, kind pb.MessageType) (publication, error) {
	s := m.GetSystemProperties()
	one := publication{id: s.GetMessageId(), body: m.GetBody(), born: p.Now.UnixMilli()}
	if s.BornTimestamp.IsValid() {
		one.born = s.BornTimestamp.AsTime().UnixMilli()
	}
	if s.GetBodyEncoding() == pb.Encoding_GZIP {
		one.sysFlag |= flagCompressed
		var err error
		if one.body, err = zlibOf(one.body); err != nil {
			return one, refuse(pb.Code_MESSAGE_CORRUPTED, "cannot read the body, which is said to be GZIP: %v", err)
		}
	}
	if kind == pb.MessageType_TRANSACTION {
		one.sysFlag |= flagTransaction
	}
	if strings.HasPrefix(topic, retryPrefix) {
		one.reconsumed = s.GetDeliveryAttempt()
	}
	if one.properties = p.properties(m, topic, one.born); len(one.properties) > maxEncodedProperty {
		return one, refuse(pb.Code_MESSAGE_PROPERTIES_TOO_LARGE, "the properties have %d bytes, more than %d", len(one.properties), maxEncodedProperty)
	}
	return one, nil
}

// properties are what brokers keep of a message beside its body.
func (p Publishing) properties(m *pb.Message, topic string, born int64) string {
	var all properties
	user, s := m.GetUserProperties(), m.GetSystemProperties()
	for _, k := range slices.Sorted(maps.Keys(user)) {
		all.put(k, user[k])
	}
	put := func(key, value string) {
		if value != "" {
			all.put(key, value)
		}
	}
	put(propID, s.GetMessageId())
	put(propTags, s.GetTag())
	put(propKeys, strings.Join(s.GetKeys(), " "))
	put(propShardingKey, s.GetMessageGroup())
	put(propLiteTopic, s.GetLiteTopic())
	put(propTraceContext, s.GetTraceContext())
	if s.DeliveryTimestamp != nil {
		all.put(propDeliverMillis, strconv.FormatInt(s.DeliveryTimestamp.AsTime().UnixMilli(), 10))
	}
	if s.GetMessageType() == pb.MessageType_TRANSACTION {
		all.put(propTransaction, "true")
		if d := s.OrphanedTransactionRecoveryDuration; d != nil {
			all.put(propImmunity, strconv.FormatInt(int64(d.AsDuration()/time.Second), 10))
		}
	}
	if s.Priority != nil {
		all.put(propPriority, strconv.Itoa(int(s.GetPriority())))
	}
	all.put(propGroup, topic)
	put(propBornHost, firstOf(s.GetBornHost(), p.BornHost))
	all.put(propBornTimestamp, strconv.FormatInt(born, 10))
	return all.String()
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// CheckType compares the messages with the type of their topic, the attribute message.type; "" is not known. A topic that
// is not known lets everything pass, and so do topics of consumer groups.
func (s *Send) CheckType(attribute string) error {
	if attribute == "" || brokersOwn(s.Topic) || attribute == "MIXED" || attribute == s.Type.String() {
		return nil
	}
	return refuse(pb.Code_MESSAGE_PROPERTY_CONFLICT_WITH_TYPE, "the message is of type %v, topic %s takes %s", s.Type, s.Topic, attribute)
}

// Commands that the proxy makes itself.
func command(code int32, ext map[string]string) *codec.Command {
	return &codec.Command{Code: code, Language: codec.Go, Version: codec.Version5_5_0, Ext: ext}
}

// Command sends the messages to a queue: one by 310, several by 320.
func (s *Send) Command(queue int) *codec.Command {
	first := &s.messages[0]
	c := command(codec.ReqSendMessageV2, map[string]string{
		"a": s.Topic, "b": s.Topic, "c": "TBW102", "d": "4", "e": strconv.Itoa(queue), "f": strconv.Itoa(first.sysFlag),
		"g": strconv.FormatInt(first.born, 10), "h": "0", "i": first.properties, "j": strconv.Itoa(int(first.reconsumed)),
		"k": "false", "m": strconv.FormatBool(len(s.messages) > 1),
	})
	c.Body = first.body
	if len(s.messages) > 1 {
		c.Code, c.Body = codec.ReqSendBatchMessage, appendBatch(nil, s.messages)
		c.Ext["i"] = ""
	}
	return c
}

// stored are the codes with which a message is stored, although not as safely as the broker wants it. SDKs send it again.
func isStored(code int32) bool {
	switch code {
	case codec.ResSuccess, codec.ResFlushDiskTimeout, codec.ResSlaveNotAvailable, codec.ResFlushSlaveTimeout:
		return true
	}
	return false
}

// Response is what the answer of a broker amounts to: an entry for each message.
func (s *Send) Response(broker string, answer *codec.Command) *pb.SendMessageResponse {
	status := StatusOf(brokerSays(answer))
	if !isStored(answer.Code) {
		return s.Failed(status)
	}
	offset, _ := strconv.ParseInt(answer.Ext["queueOffset"], 10, 64)
	r := &pb.SendMessageResponse{Status: status}
	for i := range s.messages {
		one := &s.messages[i]
		e := &pb.SendResultEntry{Status: status, MessageId: one.id, Offset: offset + int64(i), RecallHandle: answer.Ext["recallHandle"]}
		if s.Type == pb.MessageType_TRANSACTION {
			e.TransactionId = transactionOf(broker, offset, answer.Ext["msgId"], one.id).String()
		}
		r.Entries = append(r.Entries, e)
	}
	return r
}

// Failed is the response when no message was stored.
func (s *Send) Failed(status *pb.Status) *pb.SendMessageResponse {
	r := &pb.SendMessageResponse{Status: status}
	for i := range s.messages {
		r.Entries = append(r.Entries, &pb.SendResultEntry{Status: status, MessageId: s.messages[i].id})
	}
	return r
}

// Before5 reports that a broker is a 4.x one, which has no pop (MQVersion.java). A version of 0 is not known.
func Before5(version int32) bool { return version > 0 && version < version500 }

// version500 is V5_0_0_SNAPSHOT.
const version500 = 413
