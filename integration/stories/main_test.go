package stories

import (
	"os"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Run(m)) }
