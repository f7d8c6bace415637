package starlib_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// A job is a function of its point: the points before it and the number of goroutines change nothing, even if numbers of several
// hyperparameters are equal.
func TestJobsDoNotDependOnTheOrderOfThePoints(t *testing.T) {
	scripts := 150
	if testing.Short() {
		scripts = 25
	}
	few := strings.NewReplacer("uniform(0.1, 3), \"b\": uniform(0.1, 3), \"k\": integers(1, 9)",
		"choice(0.5, 1.0, 2.0), \"b\": choice(0.5, 1.0, 3.0), \"k\": choice(1, 2)", "random(trials = %d, seed = 3)", "grid()")
	for i := range scripts {
		a := author{rand.New(rand.NewPCG(uint64(i), 12))}
		body := fmt.Sprintf("twice = lambda x: 2 * x\n    w0 = 0.5\n    w1 = %s\n    w0 = %s\n    late = lambda: %s", a.number(1), a.number(2),
			a.number(1))
		loss := fmt.Sprintf("w0 * y + (%s) * m + late() * y + twice(w1) * m", a.number(2))
		lr := a.one("0.1", "w1", "p.a - 0.5", "linear(p.a, p.b - 0.5, epochs = 1)")
		source := fmt.Sprintf(few.Replace(numbers), body, loss, lr)
		jobs := func(order []int, workers int) map[string]string {
			s := studyOf(t, source)
			points := pointsOf(t, s)
			texts, mu, wg, next := map[string]string{}, sync.Mutex{}, sync.WaitGroup{}, make(chan int)
			for range workers {
				wg.Go(func() {
					for i := range next {
						job, err := s.Job(context.Background(), points[i])
						got := fmt.Sprint(err)
						if err == nil {
							got = text(job)
						}
						mu.Lock()
						texts[fmt.Sprint(points[i])] = got
						mu.Unlock()
					}
				})
			}
			for _, i := range order {
				next <- i
			}
			close(next)
			wg.Wait()
			return texts
		}
		n := len(pointsOf(t, studyOf(t, source)))
		order := a.Perm(n)
		want := jobs(a.Perm(n), 1)
		for point, got := range jobs(order, 3) {
			if got != want[point] {
				t.Fatalf("script %d, %s: got\n%s\nwant\n%s\n%s", i, point, got, want[point], source)
			}
		}
	}
}
