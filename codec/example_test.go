package codec_test

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// A relay finds the frames in what a read returned and looks into their headers in place.
func ExampleSplitter() {
	request := codec.Command{Code: codec.ReqGetRouteInfoByTopic, Opaque: 7, Ext: map[string]string{"topic": "Orders"}}
	read := request.Append(nil, codec.JSON)
	read = append(read, read[:10]...) // and the beginning of the next one

	var s codec.Splitter
	frames, used, err := s.Split(read, nil)
	if err != nil {
		fmt.Println(err) // a *codec.FrameError: close the connection
	}
	for _, f := range frames {
		raw := read[f.Off+codec.PrefixLen : f.BodyOff]
		fmt.Println(codec.RequestCodeName(f.Header.Code), f.Header.Opaque, f.Header.ExtString(raw, "topic"))
	}
	fmt.Println(len(read)-used, "bytes to present again")
	// Output:
	// GET_ROUTEINFO_BY_TOPIC 7 Orders
	// 10 bytes to present again
}

// A server decodes a whole request and answers it.
func ExampleCommand() {
	request := codec.Command{Code: codec.ReqGetRouteInfoByTopic, Opaque: 7, Ext: map[string]string{"topic": "Orders"}}
	frame := request.Append(nil, codec.Binary)

	got, encoding, err := codec.Decode(frame, codec.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := got.Answer(codec.ResTopicNotExist, "no route for "+got.Ext["topic"])
	fmt.Println(encoding, answer.Code, answer.Opaque, answer.IsResponse(), answer.Remark)
	// Output: ROCKETMQ 17 7 true no route for Orders
}

// Bytes of another protocol are named.
func ExampleFrameError() {
	_, err := codec.ReadPrefix([]byte("GET / HTTP/1.1\r\n"), codec.Limits{})
	fmt.Println(err)
	// Output: malformed frame, looks like HTTP: length 1195725856 with its own 4 bytes exceeds the limit of 16777216 bytes (limits.max_frame)
}
