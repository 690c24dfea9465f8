// Gosdk is a process with clients of the Go SDK of RocketMQ 5, which do what they are told by harness.SDK: a command in
// each line of its input, and in each line of its output the answer to a command, or a message that a push consumer was
// given. It is a module of its own because the SDK brings what the proxy must not depend on, and generated code that no
// process can have beside the proxy's.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sync"
)

// command is what the harness wants. Which fields are set depends on Do.
type command struct {
	ID     int    `json:"id"`
	Do     string `json:"do"`
	Client string `json:"client"` // the name of a client of this process

	Endpoints  string            `json:"endpoints"`
	Topic      string            `json:"topic"`
	Group      string            `json:"group"`
	Filter     string            `json:"filter"` // "": everything
	SQL        bool              `json:"sql"`
	Body       []byte            `json:"body"`
	Tag        string            `json:"tag"`
	Keys       []string          `json:"keys"`
	Order      string            `json:"order"` // the message group
	DeliverAt  int64             `json:"deliver_at"`
	Properties map[string]string `json:"properties"`
	Outcome    string            `json:"outcome"` // of a transaction: "commit", "rollback", "leave"; "": there is none
	Handle     string            `json:"handle"`  // of what is recalled
	Max        int32             `json:"max"`
	Millis     int64             `json:"millis"` // how long messages are invisible, or requests of a client may take; 0: the default
	Message    int               `json:"message"`
}

// reply answers a command, or tells what a push consumer got.
type reply struct {
	ID           int       `json:"id"` // 0: nobody asked
	Client       string    `json:"client,omitempty"`
	Error        string    `json:"error,omitempty"`
	MessageID    string    `json:"message_id,omitempty"`
	RecallHandle string    `json:"recall_handle,omitempty"`
	Checked      int       `json:"checked,omitempty"`
	Messages     []message `json:"messages,omitempty"`
}

// message is one that a consumer was given.
type message struct {
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

func main() {
	s := newShell(json.NewEncoder(os.Stdout))
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	var running sync.WaitGroup
	for in.Scan() {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			s.say(&reply{Error: "cannot read the command: " + err.Error()})
			continue
		}
		running.Go(func() { s.run(&c) })
	}
	running.Wait()
	s.closeAll()
}
