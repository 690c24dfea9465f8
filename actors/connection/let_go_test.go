package connection_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A connection is let go at its age, ± 10 %: a busy young client is sent away with its next request, others are cut off
// in a quiet moment, and one that is never quiet a tenth of the age later. Without an age none is.
func TestConnectionsAreLetGoAtTheirAge(t *testing.T) {
	const age = 10 * time.Minute
	for name, want := range map[string]struct {
		version int32
		every   time.Duration // between its requests
		age     time.Duration // timeouts.connection_age
		latest  time.Duration
	}{
		"young": {codec.Version5_5_0, 300 * time.Millisecond, age, age * 11 / 10},
		"old":   {codec.Version4_9_4, 10 * time.Second, age, age * 11 / 10},
		"busy":  {codec.Version4_9_4, 300 * time.Millisecond, age, age * 12 / 10},
		"never": {codec.Version5_5_0, 10 * time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
				s.Broker.Answers(proxytest.Echo)
				s.Env.Adjust(actors.Settings{ConnectionAge: want.age, GoAway: true})
				client, begun := s.Dial(proxytest.OfficeBrokerPort), time.Now()
				var last *codec.Command
				for client.Open() && (last == nil || last.Code != codec.ResGoAway) {
					if want.age == 0 && time.Since(begun) > 3*age {
						require.Equal(t, codec.ResSuccess, last.Code)
						return
					}
					answer, err := client.Try(&codec.Command{Code: codec.ReqGetMaxOffset, Version: want.version})
					if name == "busy" && err != nil { // it was cut in the moment in which the client wrote
						break
					}
					require.NoError(t, err)
					last = answer
					time.Sleep(want.every)
				}
				require.Equal(t, name == "young", last.Code == codec.ResGoAway)
				require.GreaterOrEqual(t, time.Since(begun), age*9/10)
				require.LessOrEqual(t, time.Since(begun), want.latest+20*time.Second, "ticks come every 5 s")
			})
		})
	}
}
