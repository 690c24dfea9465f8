package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
)

// longestReason is how much of a receiver's answer is read, in bytes: enough to say why it refuses. The library that
// counts reads all of it, which may be without an end.
const longestReason = 512

// send is one push: the metrics with the labels of push_labels, compressed, as the library sends them.
func (p *pusher) send(ctx context.Context) error {
	var text, body bytes.Buffer
	p.write(&text)
	zw := gzip.NewWriter(&body)
	for line := range bytes.Lines(text.Bytes()) {
		_, _ = zw.Write(withLabels(line, p.opts.ExtraLabels)) // a buffer takes everything
	}
	_ = zw.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, &body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/plain")
	request.Header.Set("Content-Encoding", "gzip")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		if ctx.Err() == context.Canceled {
			return nil // by the end of the loop
		}
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		reason, _ := io.ReadAll(io.LimitReader(answer.Body, longestReason))
		return fmt.Errorf("the receiver answers %s: %q", answer.Status, bytes.TrimSpace(reason))
	}
	return nil
}

// withLabels adds labels to a sample; comments stay as they are.
func withLabels(line []byte, labels string) []byte {
	end := bytes.IndexAny(line, "{ #")
	switch {
	case labels == "" || end <= 0:
		return line
	case line[end] == '{':
		return bytes.Join([][]byte{line[:end+1], line[end+1:]}, []byte(labels+","))
	}
	return bytes.Join([][]byte{line[:end], line[end:]}, []byte("{"+labels+"}"))
}
