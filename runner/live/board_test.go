package live

import (
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"testing"
	"time"
)

// desk is a board whose clock a test sets, with one topic, whose rendering takes a time and says how often it was made.
type desk struct {
	*board
	purse *purse
	at    time.Time
	takes time.Duration
	drawn int
	text  string
}

func newDesk() *desk {
	d := &desk{purse: &purse{share: 0.01}, at: time.Unix(1e9, 0), text: "first"}
	d.board = newBoard(func() time.Time { return d.at }, d.purse)
	d.add("topic", d.purse, func() ([]Section, error) {
		d.drawn++
		d.at = d.at.Add(d.takes)
		return []Section{{ID: "a", HTML: template.HTML(d.text)}, {ID: "b", HTML: "always"}}, nil
	})
	return d
}

// paintAll renders all that is due.
func (d *desk) paintAll() {
	for t := d.due(d.purse); t != nil; t = d.due(d.purse) {
		d.renew(t)
	}
}

// change makes the topic stale.
func (d *desk) change(text string) {
	d.text = text
	d.outdate(func(string) bool { return true })
}

func TestRenderingTakesItsShareOfTheTime(t *testing.T) {
	d := newDesk()
	d.takes = 100 * time.Millisecond
	r := d.follow([]string{"topic"}, 0)
	defer d.leave(r)
	d.paintAll()
	for range 1000 { // of 100 s, each with something new
		d.at = d.at.Add(100 * time.Millisecond)
		d.change(d.at.String())
		d.paintAll()
	}
	if d.drawn < 10 || d.drawn > 11 {
		t.Errorf("it was rendered %d times in 101 s, want 10 times 100 ms, which are 1 %%", d.drawn)
	}
}

func TestWhatNobodyReadsIsNotRendered(t *testing.T) {
	d := newDesk()
	d.paintAll()
	d.at = d.at.Add(30 * time.Second)
	d.paintAll()
	if d.drawn != 1 {
		t.Errorf("it was rendered %d times although nothing has changed", d.drawn)
	}
	d.at = d.at.Add(2 * forgetAfter)
	d.change("later")
	d.paintAll()
	if d.drawn != 1 || len(d.topics) != 0 {
		t.Errorf("it was rendered %d times, and %d topics are there, although nobody has read it for minutes", d.drawn, len(d.topics))
	}
}

// A reader is told what has changed since it was told last, once, however often that changed.
func TestASlowReaderIsToldTheLastState(t *testing.T) {
	d := newDesk()
	r := d.follow([]string{"topic"}, 0)
	d.paintAll()
	if list, _ := d.news(r); len(list) != 1 || !list[0].All || len(list[0].Sections) != 2 {
		t.Fatalf("got %+v at first, want everything", list)
	}
	if list, _ := d.news(r); len(list) != 0 {
		t.Errorf("got %+v again", list)
	}
	for i := range 5 {
		d.at = d.at.Add(time.Hour)
		d.change(fmt.Sprint("change ", i))
		d.paintAll()
	}
	list, version := d.news(r)
	if len(list) != 1 || list[0].All || len(list[0].Sections) != 1 || list[0].Sections[0].HTML != "change 4" {
		t.Errorf("got %+v, want the last change alone", list)
	}
	other := d.follow([]string{"topic"}, version)
	if list, _ := d.news(other); len(list) != 0 {
		t.Errorf("one that knows version %d is told %+v", version, list)
	}
}

func TestAPageWaitsForItsFirstSectionsOnlyForAWhile(t *testing.T) {
	d := newDesk()
	if list, _ := d.read(context.Background(), "topic", time.Millisecond); len(list) != 0 {
		t.Errorf("got %+v before anything was rendered", list)
	}
	d.paintAll()
	if list, _ := d.read(context.Background(), "topic", time.Hour); len(list) != 2 {
		t.Errorf("got %+v, want two sections at once", list)
	}
}

// A topic without sections is told as such, and not as null, which the script of a page could not read.
func TestATopicMayHaveNoSections(t *testing.T) {
	d := newDesk()
	d.add("empty", d.purse, func() ([]Section, error) { return []Section{}, nil })
	r := d.follow([]string{"empty"}, 0)
	d.paintAll()
	list, _ := d.news(r)
	if text, err := json.Marshal(list); err != nil || string(text) != `[{"topic":"empty","all":true,"sections":[]}]` {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestTheNumberOfTopicsIsBounded(t *testing.T) {
	d := newDesk()
	none := func() ([]Section, error) { return nil, nil }
	for i := range mostTopics - 1 {
		if !d.add(fmt.Sprint(i), d.purse, none) {
			t.Fatalf("topic %d is refused", i+2)
		}
	}
	if d.add("more", d.purse, none) || !d.add("topic", d.purse, none) {
		t.Errorf("got %d topics, want %d, and none that are there refused", len(d.topics), mostTopics)
	}
}

func TestAnErrorIsShownInItsPlace(t *testing.T) {
	d := newDesk()
	d.add("broken", d.purse, func() ([]Section, error) { return nil, fmt.Errorf("<b>disk</b>") })
	d.paintAll()
	list, _ := d.read(context.Background(), "broken", time.Hour)
	if len(list) != 1 || list[0].HTML != "<p>&lt;b&gt;disk&lt;/b&gt;</p>" {
		t.Errorf("got %+v", list)
	}
}
