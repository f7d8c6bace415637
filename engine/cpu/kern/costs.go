package kern

import "math"

// Costs, in units of the time that one multiply-add of a full tile takes. They were measured, and are roughly right for every kernel set.
const (
	pairCost  = 400 // a pair of a list, for one tile
	edgeCost  = 400 // a row of a tile that is copied, since only some of its columns are needed
	packCost  = 90  // an element that is transposed
	termCost  = 90  // a product that is added to its pixel
	roundCost = 10  // a pair that is rounded to bfloat16
	slotCost  = 9   // an element that is transformed for Winograd's algorithms, or a product that is transformed back
	planeCost = 28  // an element of planes that is copied or summed
	farCost   = 25  // a transformed tap beyond nearTaps, as many as stay in the cache
	nearTaps  = 1 << 21
)

// Costs must not depend on the number of threads, though the size of chunks does: the algorithm that is chosen decides the last bits of
// results. They depend on sizes and on the geometry of the kernel set alone.

func (p *planes) cost() int {
	copied := p.K*p.height*p.pitch + p.rows()*p.length
	return p.M * p.bands * (p.tapsCost(p.blocks) + planeCost*copied)
}

// tapsCost is the cost of the products of blocks, for one band.
func (p *planes) tapsCost(blocks []planeBlock) (cost int) {
	for _, b := range blocks {
		cost += len(b.list) * (p.K*tileCost(b.tiles, b.rows, p.length) + pairCost*parts(p.length, b.tiles.Width)*parts(p.K, planeDepth))
	}
	return cost
}

// tileCost is the cost of all tiles of the given rows and columns, for one pair and one k.
func tileCost(t Tiles, rows, columns int) int {
	n := parts(rows, t.rows())
	full := max(rows, n*128/t.Width) // tiles of few rows wait for their own sums
	return full * columns
}

// panelCost is the cost of panels, given the number of taps of all pixels.
func (c *Conv) panelCost(taps int) int {
	opix := c.Out[0] * c.Out[1]
	whole, rest := c.N/c.Set.Main.Width, c.N%c.Set.Main.Width
	cost := taps * c.K * tileCost(c.Set.Main, c.M, whole*c.Set.Main.Width)
	pairs := taps
	if c.rowsInOne() {
		pairs = parts(taps, c.Ker[1])
	}
	cost += pairs * pairCost * parts(c.M, c.Set.Main.rows()) * c.panels()
	if rest > 0 {
		last := c.Set.last(rest)
		cost += taps*c.K*tileCost(last, c.M, last.Width) + edgeCost*opix*c.M
	}
	return cost
}

// laneCost is the cost of lanes.
func (c *Conv) laneCost(taps int) int {
	if c.empty() {
		return math.MaxInt
	}
	t := c.laneTiles()
	batch := parts(c.M, t.Width) * t.Width
	cost := taps * c.K * tileCost(t, c.N, batch)
	cost += taps * pairCost * parts(c.N, t.rows()) * (batch / t.Width)
	return cost + packCost*c.M*(c.In[0]*c.In[1]*c.K+c.Out[0]*c.Out[1]*c.N)
}

// stripsCost is the cost of strips.
func (c *Conv) stripsCost(taps int) int {
	return taps * c.K * tileCost(c.Set.Main, c.M, c.panels()*c.Set.Main.Width)
}

// slotsCost is the cost of the products of all slots, of the given rows and depth of a pair, and of transforming them back.
func (c *Conv) slotsCost(lists [][]Pair, rows, depth int) (products, back int) {
	columns := c.panels() * c.Set.Main.Width
	pair := depth*tileCost(c.Set.Main, rows, columns) + pairCost*parts(rows, c.Set.Main.rows())*c.panels()
	for _, list := range lists {
		products += len(list) * pair
		if len(list) > 0 {
			back += slotCost * rows * columns
		}
	}
	return products, back
}

func (c *winogradConv) cost() int {
	rows, taps := c.x.tiles*c.M, c.taps()
	cost := slotCost*(taps+c.M*c.example()) + farCost*max(0, taps-nearTaps)
	for _, s := range c.tileRows {
		products, back := c.slotsCost(s.lists, rows, c.K)
		cost += products + back
	}
	return cost
}

func (c *winogradGradient) cost() int {
	chunks := parts(c.K, c.chunkSize)
	cost := chunks * slotCost * (c.data() + c.images())
	for _, p := range c.pieces {
		products, back := c.slotsCost(p.lists, c.M, c.depth(c.chunkSize))
		cost += chunks*products + back
	}
	return cost
}

// spreadCost is the cost of spread.
func (c *Conv) spreadCost(taps int) int {
	columns := c.Ker[0] * c.Ker[1] * c.N
	if c.empty() || columns > maxSpread {
		return math.MaxInt
	}
	columns = parts(columns, c.Set.Main.Width) * c.Set.Main.Width
	return c.M*c.K*tileCost(c.Set.Main, c.In[0]*c.In[1], columns) + termCost*c.M*taps*c.N
}

// maxSpread is the largest number of products of one pixel for which spread is considered.
const maxSpread = 256
