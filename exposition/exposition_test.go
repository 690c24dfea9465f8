package exposition

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// Any value of a label comes out of a parser as it went in, but for what the format cannot say.
func TestLabelsAreReadAsTheyWereWritten(t *testing.T) {
	for value, want := range map[string]string{
		"broker-a":               "broker-a",
		"":                       "",
		`a\b"c`:                  `a\b"c`,
		"two\nlines\ttab\r":      "two\nlines\ttab\r",
		"\a\x01\x7f\u200b\u00a0": "\a\x01\x7f\u200b\u00a0",
		`{},="`:                  `{},="`,
		`\n\"\`:                  `\n\"\`,
		"名":                      "名",
		"not\xffUTF-8":           "not\ufffdUTF-8",
		"NUL\x00":                "NUL\ufffd",
	} {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		page, err := parser.TextToMetricFamilies(strings.NewReader(Name("up", "broker", value, "last", "one") + " 1\n"))
		require.NoError(t, err, "%q", value)
		labels := page["up"].GetMetric()[0].GetLabel()
		require.Equal(t, want, labels[0].GetValue())
		require.Equal(t, "one", labels[1].GetValue())
	}
	require.Equal(t, "up", Name("up"))
	require.Equal(t, `a="1",b="2"`, Labels("a", "1", "b", "2"))
}

// Samples of one family that come from several places stand together below its HELP and TYPE.
func TestFamiliesStandTogether(t *testing.T) {
	var page bytes.Buffer
	require.NoError(t, Write(&page, []byte(`rocketmq_request_time_ms_bucket{le="+Inf"} 1
rocketmq_request_time_ms_sum 2.5
rocketmq_request_time_ms_count 1
rocketmq_proxy_broker_up{broker="a b"} 1
rocketmq_proxy_ready 1
# HELP rocketmq_proxy_broker_up
# TYPE rocketmq_proxy_broker_up gauge
rocketmq_proxy_broker_up{broker="b"} 0

somebody_elses_count 7
`)))
	require.Equal(t, `# HELP rocketmq_request_time_ms Milliseconds from reading a request to its answer.
# TYPE rocketmq_request_time_ms histogram
rocketmq_request_time_ms_bucket{le="+Inf"} 1
rocketmq_request_time_ms_sum 2.5
rocketmq_request_time_ms_count 1
# HELP rocketmq_proxy_broker_up 1 while a broker takes connections.
# TYPE rocketmq_proxy_broker_up gauge
rocketmq_proxy_broker_up{broker="a b"} 1
rocketmq_proxy_broker_up{broker="b"} 0
# HELP rocketmq_proxy_ready 1 while /readyz answers 200.
# TYPE rocketmq_proxy_ready gauge
rocketmq_proxy_ready 1
# TYPE somebody_elses_count untyped
somebody_elses_count 7
`, page.String())
}

// The table follows the rules that it is there for.
func TestEveryFamilyIsDescribed(t *testing.T) {
	require.Len(t, parse(envoy), 27)
	for name, about := range families {
		require.Contains(t, []string{"counter", "gauge", "histogram", "summary"}, about.kind, name)
		require.True(t, strings.HasSuffix(about.help, "."), "%s: %q", name, about.help)
		require.NotContains(t, about.help, `\`, name)
	}
	for name, about := range parse(proxy) {
		require.True(t, strings.HasPrefix(name, "rocketmq_proxy_"), name)
		require.Equal(t, about.kind == "counter", strings.HasSuffix(name, "_total"), name)
		require.NotRegexp(t, `_(ms|millis|kb)(_|$)`, name, "base units")
	}
}
