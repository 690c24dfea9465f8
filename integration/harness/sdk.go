package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// SDK is a process with clients of an SDK of RocketMQ 5, which speak gRPC. The processes of all languages are told the same
// (gosdk/main.go, java/sdk/Sdk.java), so a story is written once.
type SDK struct {
	process *Process
	in      *os.File

	mu      sync.Mutex
	ids     int
	pending map[int]chan *SDKReply
	got     map[string][]SDKMessage // what push consumers were given, by client
	err     error                   // why nothing comes any more
}

// SDKCommand is what a process is told. Which fields are set depends on Do.
type SDKCommand struct {
	ID         int               `json:"id"`
	Do         string            `json:"do"`
	Client     string            `json:"client"` // a name that is unique within the process
	Endpoints  string            `json:"endpoints,omitempty"`
	Topic      string            `json:"topic,omitempty"`
	Group      string            `json:"group,omitempty"`
	Filter     string            `json:"filter,omitempty"` // "": everything
	SQL        bool              `json:"sql,omitempty"`
	Body       []byte            `json:"body,omitempty"`
	Tag        string            `json:"tag,omitempty"`
	Keys       []string          `json:"keys,omitempty"`
	Order      string            `json:"order,omitempty"`      // the message group
	DeliverAt  int64             `json:"deliver_at,omitempty"` // milliseconds
	Properties map[string]string `json:"properties,omitempty"`
	Outcome    string            `json:"outcome,omitempty"` // of a transaction: "commit", "rollback", "leave"; "": there is none
	Handle     string            `json:"handle,omitempty"`  // of what is recalled
	Max        int               `json:"max,omitempty"`
	Millis     int64             `json:"millis,omitempty"` // how long messages are invisible, or requests of a client may take; 0: the default
	Message    int               `json:"message,omitempty"`
}

// SDKReply is what a process answers.
type SDKReply struct {
	ID           int          `json:"id"`
	Client       string       `json:"client"`
	Error        string       `json:"error"`
	MessageID    string       `json:"message_id"`
	RecallHandle string       `json:"recall_handle"`
	Checked      int          `json:"checked"`
	Messages     []SDKMessage `json:"messages"`
}

// SDKMessage is a message that a consumer was given.
type SDKMessage struct {
	Number     int               `json:"number"` // by which it is acknowledged
	ID         string            `json:"id"`
	Topic      string            `json:"topic"`
	Body       []byte            `json:"body"`
	Tag        string            `json:"tag"`
	Keys       []string          `json:"keys"`
	Order      string            `json:"order"`
	Properties map[string]string `json:"properties"`
	Attempt    int               `json:"attempt"`
}

// buildGoSDK builds the program with the Go SDK, once per test process.
var buildGoSDK = sync.OnceValues(func() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir, err := runDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "gosdk")
	out, err := exec.Command("go", "build", "-C", filepath.Join(root, "integration", "harness", "gosdk"), "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot build the program with the Go SDK: %w\n%s", err, out)
	}
	return path, nil
})

// StartGoSDK starts a process with the Go SDK. plain is without TLS, which is not its default.
func StartGoSDK(t *testing.T, plain bool) *SDK {
	t.Helper()
	path, err := buildGoSDK()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	if plain {
		cmd.Env = append(os.Environ(), "rocketmq.client.enableSsl=false")
	}
	return startSDK(t, "Go SDK", cmd)
}

// StartJavaSDK starts a JVM with the Java SDK. plain is without TLS, which is not its default.
func StartJavaSDK(t *testing.T, plain bool) *SDK {
	t.Helper()
	RequireReal(t)
	classPath, err := compiled("sdk-5.2.0", "sdk-5.2.0", "java/sdk")
	if err != nil {
		t.Fatal(err)
	}
	home, err := RunSubdir(Unique(t, "java"))
	if err != nil {
		t.Fatal(err)
	}
	argv := JavaCommand(home, "256m", classPath, "Sdk")
	argv = slices.Insert(argv, 1, "-Drocketmq.log.root="+home)
	if plain {
		argv = append(argv, "plain")
	}
	return startSDK(t, "Java SDK", exec.Command(argv[0], argv[1:]...))
}

// startSDK starts a process that fails its test if it connects past the proxy.
func startSDK(t *testing.T, name string, cmd *exec.Cmd) *SDK {
	t.Helper()
	dir, err := RunSubdir(Unique(t, "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Dir, cmd.Env = dir, append(cmd.Env, "rocketmq.client.logRoot="+dir)
	p, in, out, err := StartTalking(name, filepath.Join(dir, "stderr"), cmd)
	if err != nil {
		t.Fatal(err)
	}
	s := &SDK{process: p, in: in, pending: map[int]chan *SDKReply{}, got: map[string][]SDKMessage{}}
	go s.listen(out)
	t.Cleanup(s.Kill)
	p.WatchBypasses(t)
	return s
}

// Kill ends the process as a crash would.
func (s *SDK) Kill() {
	s.process.Kill()
	s.in.Close()
}

// listen takes what the process says.
func (s *SDK) listen(out *os.File) {
	defer out.Close()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		r := &SDKReply{}
		if err := json.Unmarshal(lines.Bytes(), r); err != nil {
			s.end(fmt.Errorf("%s printed %.200q outside of its answers", s.process.Name, lines.Text()))
			return
		}
		s.heard(r)
	}
	s.end(errors.New(s.process.Name + " says nothing more"))
}

func (s *SDK) heard(r *SDKReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ID == 0 {
		s.got[r.Client] = append(s.got[r.Client], r.Messages...)
		return
	}
	s.pending[r.ID] <- r
	delete(s.pending, r.ID)
}

func (s *SDK) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	for _, waiting := range s.pending {
		close(waiting)
	}
	clear(s.pending)
}

// Do has the process carry out a command, and returns what came of it. Commands are carried out at the same time.
func (s *SDK) Do(c SDKCommand) (*SDKReply, error) {
	answer, err := s.tell(&c)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		switch {
		case r == nil:
			return nil, fmt.Errorf("cannot %s with %s: %w", c.Do, s.process.Name, s.failure())
		case r.Error != "":
			return r, fmt.Errorf("cannot %s: %s", c.Do, r.Error)
		}
		return r, nil
	case <-time.After(Patience):
		return nil, fmt.Errorf("%s did not %s within %s", s.process.Name, c.Do, Patience)
	}
}

func (s *SDK) tell(c *SDKCommand) (<-chan *SDKReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	s.ids++
	c.ID = s.ids
	line, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	answer := make(chan *SDKReply, 1)
	s.pending[c.ID] = answer
	_, err = s.in.Write(append(line, '\n'))
	return answer, err
}

func (s *SDK) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("%w\n%s", s.err, s.process.LastOutput())
}

// Given returns what a push consumer has been given so far, in the order in which its listener was called.
func (s *SDK) Given(client string) []SDKMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SDKMessage(nil), s.got[client]...)
}

// TypedTopic creates a topic of a type, as "FIFO", with that many queues on each broker, for this test alone.
func (target *Target) TypedTopic(t *testing.T, kind string, queuesPerBroker int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	topic := Unique(t, "topic")
	if err := createTopic(ctx, target.NameServer, target.Brokers, topic, queuesPerBroker, "+message.type="+kind); err != nil {
		t.Fatal(err)
	}
	return topic
}

// ConsumerGroup creates a consumer group on each broker, for this test alone.
func (target *Target) ConsumerGroup(t *testing.T, orderly bool, retries int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	group := Unique(t, "group")
	body, err := json.Marshal(map[string]any{
		"groupName": group, "consumeEnable": true, "consumeMessageOrderly": orderly, "retryMaxTimes": retries, "retryQueueNums": 1,
	})
	for _, address := range target.Brokers {
		if err == nil {
			err = updateGroup(ctx, address, body)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return group
}

func updateGroup(ctx context.Context, broker string, body []byte) error {
	conn, err := ownDialer().DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer conn.Close()
	a, err := Exchange(ctx, conn, 200, nil, body) // UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
	if err != nil {
		return err
	}
	return a.Err()
}
