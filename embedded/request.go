package embedded

import (
	"fmt"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// request is a client's command on its way through a server.
type request struct {
	*codec.Command
	conn  *connection
	fault *FaultHandle // that struck it; nil: none
}

// serve counts a request and handles it, unless a fault takes it.
func (s *server) serve(r *request) {
	s.mu.Lock()
	watch := s.watch
	s.mu.Unlock()
	for _, w := range watch {
		w(r.conn.peer.String(), r.Command)
	}
	r.fault = s.faults.strike(r.Command)
	s.seen.count(r.Code)
	if r.fault == nil || !r.fault.before(r) {
		s.handle(r)
	}
}

// answer sends the answer to a request, unless the request is oneway or a fault withholds it.
func (r *request) answer(cmd *codec.Command) {
	if r.IsOneway() {
		return
	}
	cmd.Opaque, cmd.Flag = r.Opaque, codec.FlagResponse
	cmd.Language, cmd.Version = codec.Java, r.conn.server.version
	if r.fault == nil || !r.fault.after(r, cmd) {
		r.conn.send(cmd, 0)
	}
}

// ok is the answer of success with ext fields given as key, value, key, value.
func (r *request) ok(ext ...string) *codec.Command {
	cmd := &codec.Command{Code: codec.ResSuccess}
	if len(ext) > 0 {
		cmd.Ext = make(map[string]string, len(ext)/2)
	}
	for i := 0; i < len(ext); i += 2 {
		cmd.Ext[ext[i]] = ext[i+1]
	}
	return cmd
}

// refuse is an answer with a code and the reason.
func (r *request) refuse(code int32, format string, args ...any) *codec.Command {
	return &codec.Command{Code: code, Remark: fmt.Sprintf(format, args...)}
}

// illegal is the answer to a request whose header lacks something, which makes Java servers throw.
func (r *request) illegal(err error) *codec.Command {
	return r.refuse(codec.ResSystemError, "%s: %v", codec.RequestCodeName(r.Code), err)
}

func (r *request) unsupported() *codec.Command {
	return r.refuse(codec.ResRequestCodeNotSupported, " request type %d not supported", r.Code)
}

// fields reads a request's ext fields and keeps the first problem.
type fields struct {
	ext map[string]string
	err error
}

func (r *request) fields() *fields { return &fields{ext: r.Ext} }

// str reads a mandatory text.
func (f *fields) str(key string) string {
	v, ok := f.ext[key]
	if !ok && f.err == nil {
		f.err = fmt.Errorf("the header has no field %q", key)
	}
	return v
}

// int reads a mandatory number.
func (f *fields) int(key string) int64 {
	v := f.str(key)
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("header field %q is %q, not a number", key, v)
	}
	return n
}

// int32 reads a mandatory small number, such as a queue id.
func (f *fields) int32(key string) int32 { return int32(f.int(key)) }

// intOr reads an optional number.
func (f *fields) intOr(key string, absent int64) int64 {
	if f.ext[key] == "" {
		return absent
	}
	return f.int(key)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
