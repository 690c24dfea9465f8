package chaos

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// ailments are what every process can be made to suffer: it stands still, or it gets a fifth of the time.
func ailments(p func() *harness.Process) []torment {
	return []torment{
		{"freeze", func(s *scene) error {
			if err := p().Freeze(); err != nil {
				return err
			}
			s.last(4 * time.Second)
			return p().Thaw()
		}},
		{"slow", func(s *scene) error {
			for end := time.Now().Add(s.some(4 * time.Second)); time.Now().Before(end) && s.ctx.Err() == nil; {
				if err := p().Freeze(); err != nil {
					return err
				}
				time.Sleep(40 * time.Millisecond)
				if err := p().Thaw(); err != nil {
					return err
				}
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}},
	}
}
