package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// idle is how often a client is sent a sign of life, so that either side notices that the other has gone.
const idle = 15 * time.Second

// mostTopicsOfReader is how many topics a page follows at most.
const mostTopicsOfReader = 4

// events sends what changes in topics, as server-sent events, until the client goes. A client that is slow is sent less often, and then
// all that has changed since; one that takes nothing is dropped.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	v, _ := s.current()
	topics := r.URL.Query()["topic"]
	if len(topics) == 0 || len(topics) > mostTopicsOfReader {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("got %d topics, want 1 to %d", len(topics), mostTopicsOfReader))
		return
	}
	for _, name := range topics {
		if !s.topic(v, name) {
			refuse(w, http.StatusNotFound, "there is no such topic")
			return
		}
	}
	since := r.URL.Query().Get("since")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		since = last
	}
	seen, _ := strconv.ParseInt(since, 10, 64) // 0: it knows nothing
	reader := s.board.follow(topics, seen)
	if reader == nil {
		w.Header().Set("Retry-After", "60")
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d pages follow this study already: close some", mostReaders))
		return
	}
	defer s.board.leave(reader)
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Time{}) != nil { // it has sent its request
		return
	}
	tick := time.NewTicker(idle)
	defer tick.Stop()
	for {
		text := ": alive\n\n"
		if list, version := s.board.news(reader); len(list) > 0 {
			data, err := json.Marshal(list)
			if err != nil { // of strings
				return
			}
			text = fmt.Sprintf("id: %d\ndata: %s\n\n", version, data)
		}
		if control.SetWriteDeadline(time.Now().Add(s.Patience)) != nil {
			return
		}
		if _, err := w.Write([]byte(text)); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-reader.wake:
		case <-tick.C:
		}
	}
}
