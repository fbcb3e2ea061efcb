/** What every client asks, and what it must get. Rows without ORDER BY are compared in any order. */

/** The items of the container `shop`, whose partition key is `/pk`. */
export const documents = [
  {
    id: "1",
    pk: "a",
    name: "Äpfel",
    category: "fruit",
    price: 3,
    tags: ["red", "sweet"],
    size: { w: 1, h: 2 },
    v: [1, 0],
    text: "a red and sweet fruit",
  },
  {
    id: "2",
    pk: "b",
    name: "bananas",
    category: "fruit",
    price: 1.5,
    tags: ["yellow", "sweet"],
    size: { w: 2, h: 2 },
    v: [0.6, 0.8],
    text: "sweet, sweet and yellow",
  },
  {
    id: "3",
    pk: "c",
    name: "cherries",
    category: "fruit",
    price: 8,
    tags: ["red"],
    size: { w: 3, h: 1 },
    v: [0, 1],
    text: "sour and red",
  },
  { id: "4", pk: "a", name: "dates", category: "fruit", price: 6, tags: [] },
  { id: "5", pk: "b", name: "carrots", category: "vegetable", price: 2, tags: ["orange"], stock: 0 },
  { id: "6", pk: "c", name: "豆腐", category: "other", price: 4.25, tags: ["white"], stock: 7 },
  { id: "7", pk: "a", name: "kale", category: "vegetable", price: null, tags: ["green"], stock: -3 },
  { id: "8", pk: "b", name: "leeks", category: "vegetable", tags: ["green", "white"], stock: 12 },
  { id: "9", pk: "c", name: "it's", category: "other", price: "free", tags: ["red", "white"] },
] as const;

export interface Query {
  readonly text: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** A value of the partition key; absent: the whole container. */
  readonly pk?: string;
  readonly rows: readonly unknown[];
}

export const queries: Readonly<Record<string, Query>> = {
  "a filter with parameters": {
    text: "SELECT c.id FROM c WHERE c.category = @category AND c.price >= @least",
    parameters: { "@category": "fruit", "@least": 3 },
    rows: [{ id: "1" }, { id: "3" }, { id: "4" }],
  },
  "parameters that are arrays, objects and null": {
    text: "SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(@names, c.name) OR c.size = @size OR c.price = @none",
    parameters: { "@names": ["豆腐", "it's"], "@size": { h: 1, w: 3 }, "@none": null },
    rows: ["3", "6", "7", "9"],
  },
  "one partition key": { text: "SELECT VALUE c.name FROM c", pk: "a", rows: ["Äpfel", "dates", "kale"] },
  "ORDER BY over one partition key": {
    text: "SELECT VALUE c.id FROM c ORDER BY c.id DESC",
    pk: "b",
    rows: ["8", "5", "2"],
  },
  "ORDER BY over partitions": {
    text: "SELECT VALUE c.name FROM c WHERE IS_NUMBER(c.price) ORDER BY c.price",
    rows: ["bananas", "carrots", "Äpfel", "豆腐", "dates", "cherries"],
  },
  "ORDER BY of mixed types": {
    text: "SELECT VALUE c.id FROM c WHERE c.category != 'fruit' ORDER BY c.price",
    rows: ["7", "5", "6", "9"],
  },
  "ORDER BY two paths with a composite index": {
    text: "SELECT VALUE c.id FROM c WHERE IS_NUMBER(c.price) ORDER BY c.category ASC, c.price DESC",
    rows: ["3", "4", "1", "2", "6", "5"],
  },
  "GROUP BY with aggregates": {
    text: "SELECT c.category, COUNT(1) AS n, MAX(c.stock) AS most FROM c GROUP BY c.category",
    rows: [
      { category: "fruit", n: 4 },
      { category: "other", n: 2, most: 7 },
      { category: "vegetable", n: 3, most: 12 },
    ],
  },
  COUNT: { text: "SELECT VALUE COUNT(1) FROM c", rows: [9] },
  "SUM, AVG, MIN and MAX": {
    text: "SELECT SUM(c.stock) AS total, AVG(c.stock) AS mean, MIN(c.stock) AS least, MAX(c.stock) AS most FROM c",
    rows: [{ total: 16, mean: 4, least: -3, most: 12 }],
  },
  DISTINCT: { text: "SELECT DISTINCT VALUE c.category FROM c", rows: ["fruit", "vegetable", "other"] },
  "DISTINCT with ORDER BY": {
    text: "SELECT DISTINCT VALUE c.category FROM c ORDER BY c.category DESC",
    rows: ["vegetable", "other", "fruit"],
  },
  TOP: { text: "SELECT TOP 2 VALUE c.id FROM c ORDER BY c.id", rows: ["1", "2"] },
  "OFFSET LIMIT": { text: "SELECT VALUE c.id FROM c ORDER BY c.id OFFSET 3 LIMIT 2", rows: ["4", "5"] },
  "JOIN within items": {
    text: "SELECT c.id, t AS tag FROM c JOIN t IN c.tags WHERE t IN ('green', 'orange')",
    rows: [
      { id: "5", tag: "orange" },
      { id: "7", tag: "green" },
      { id: "8", tag: "green" },
    ],
  },
  "subqueries and EXISTS": {
    text: "SELECT c.id, ARRAY(SELECT VALUE UPPER(t) FROM t IN c.tags) AS tags FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 'yellow')",
    rows: [{ id: "2", tags: ["YELLOW", "SWEET"] }],
  },
  "LIKE, BETWEEN and functions": {
    text: "SELECT VALUE CONCAT(LEFT(c.name, 2), '-', TOSTRING(LENGTH(c.name))) FROM c WHERE c.name LIKE '%a_e%' OR c.stock BETWEEN 10 AND 20",
    rows: ["da-5", "ka-4", "le-5"],
  },
  "what is undefined, and what is null": {
    text: "SELECT c.id, c.price, IS_DEFINED(c.price) AS there, IS_NULL(c.price) AS nothing FROM c WHERE NOT IS_NUMBER(c.price)",
    rows: [
      { id: "7", price: null, there: true, nothing: true },
      { id: "8", there: false, nothing: false },
      { id: "9", price: "free", there: true, nothing: false },
    ],
  },
  "text outside ASCII, and quotes": {
    text: "SELECT VALUE c.id FROM c WHERE c.name = \"豆腐\" OR c.name = 'it\\'s'",
    rows: ["6", "9"],
  },
  "vectors by distance": {
    text: "SELECT TOP 2 VALUE c.id FROM c WHERE IS_DEFINED(c.v) ORDER BY VectorDistance(c.v, @vector)",
    parameters: { "@vector": [0, 1] },
    rows: ["3", "2"],
  },
  "full text by rank": {
    text: "SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK FullTextScore(c.text, 'sweet', 'yellow')",
    rows: ["2"],
  },
  "vectors and full text by rank": {
    text: "SELECT TOP 1 VALUE c.id FROM c ORDER BY RANK RRF(FullTextScore(c.text, 'red'), VectorDistance(c.v, [0, 1]))",
    rows: ["3"],
  },
  "nothing found": { text: "SELECT * FROM c WHERE c.id = 'none'", rows: [] },
};
