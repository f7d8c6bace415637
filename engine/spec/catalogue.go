package spec

// Catalogue declares what a script can choose and other packages implement. It is plain data, so that scripts are evaluated without
// the engine and the file formats behind it.
type Catalogue struct {
	Extractors []Extractor // of engine/feature; the first is the default
	DataSets   []DataSet   // of engine/data
}
