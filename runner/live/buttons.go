package live

import (
	"errors"
	"net/http"

	"github.com/starsweep/starsweep/internal/plain"
	"github.com/starsweep/starsweep/results"
)

// stop asks every process that trains the study to leave, as an interrupt does.
func (s *Server) stop(w http.ResponseWriter, r *http.Request) {
	s.press(w, r, "/", func(v *results.View) error {
		_, err := v.AskToStop()
		return err
	})
}

// prune asks the process that trains a trial to end it.
func (s *Server) prune(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("trial")
	s.press(w, r, trialPath(id), func(v *results.View) error { return v.AskToPrune(id) })
}

// press asks for something, and shows a page again, which says that it was asked for.
func (s *Server) press(w http.ResponseWriter, r *http.Request, then string, ask func(*results.View) error) {
	v, err := s.Open(s.Dir) // and not that of the pages, which may be a moment behind
	if err != nil {
		refuse(w, http.StatusConflict, plain.Error(err))
		return
	}
	defer v.Close()
	switch err := ask(v); {
	case errors.Is(err, results.ErrNotRunning):
		refuse(w, http.StatusConflict, plain.Error(err))
	case err != nil:
		refuse(w, http.StatusInternalServerError, plain.Error(err))
	default:
		s.board.outdate(func(name string) bool { return name != reportTopic })
		http.Redirect(w, r, then, http.StatusSeeOther)
	}
}
