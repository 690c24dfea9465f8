package route

import "time"

// PopState is what is remembered of the answer to a pop, as one process tells it another.
type PopState struct {
	Pop
	Age       time.Duration
	PopTime   string
	Invisible string
	Revive    string
	Messages  []PoppedState
}

// PoppedState is one of its messages.
type PoppedState struct {
	Mark          byte // of the topic it comes from (poppedMessage)
	Queue, Offset int64
	Start         int64
}

// Pops is what is remembered of the client's pops, the oldest first.
func (c *Client) Pops() (list []PopState) {
	var last *popAnswer
	for _, m := range c.popped.order {
		if m.pop != last {
			last = m.pop
			list = append(list, PopState{
				Pop: last.Pop, Age: time.Duration(c.Now - last.at), PopTime: last.popTime, Invisible: last.invisible, Revive: last.revive,
			})
		}
		to := &list[len(list)-1]
		to.Messages = append(to.Messages, PoppedState{m.mark, m.key.queue, m.key.offset, m.start})
	}
	return list
}

// RememberPops takes over what another process has remembered.
func (c *Client) RememberPops(list []PopState) {
	for _, s := range list {
		answer := &popAnswer{Pop: s.Pop, at: c.Now - int64(s.Age), popTime: s.PopTime, invisible: s.Invisible, revive: s.Revive}
		for _, m := range s.Messages {
			c.popped.add(&poppedMessage{answer, messageKey{s.Group, s.Topic, m.Queue, m.Offset}, m.Mark, m.Start})
		}
	}
}
