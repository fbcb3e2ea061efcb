/** GeoJSON shapes, plane predicates on longitude and latitude, and distances and areas on WGS84. */
import { isArray, isObject, property, type Value } from "../values.ts";

/** [longitude, latitude] in degrees. */
export type Position = readonly [number, number];
type Line = readonly Position[];

/** Any shape as its parts. Rings are closed; the first one of a polygon is its outside. */
export interface Shape {
  readonly points: readonly Position[];
  readonly lines: readonly Line[];
  readonly polygons: readonly (readonly Line[])[];
}

const position = (value: Value): Position | undefined => {
  if (!isArray(value)) return undefined;
  const [longitude, latitude] = value;
  if (typeof longitude !== "number" || typeof latitude !== "number") return undefined;
  return [longitude, latitude];
};

const listOf = <T>(value: Value, read: (item: Value) => T | undefined): readonly T[] | undefined => {
  if (!isArray(value)) return undefined;
  const items: T[] = [];
  for (const item of value) {
    const found = read(item);
    if (found === undefined) return undefined;
    items.push(found);
  }
  return items;
};

const line = (value: Value): Line | undefined => listOf(value, position);
const polygon = (value: Value): readonly Line[] | undefined => listOf(value, line);

/** The shape of a GeoJSON value; a text says why there is none. */
export const readShape = (value: Value): Shape | string => {
  const type = isObject(value) ? property(value, "type") : undefined;
  const coordinates = isObject(value) ? property(value, "coordinates") : undefined;
  const none: Shape = { points: [], lines: [], polygons: [] };
  switch (type) {
    case "Point": {
      const point = position(coordinates);
      return point === undefined ? "Point must have a position of two numbers." : { ...none, points: [point] };
    }
    case "MultiPoint": {
      const points = listOf(coordinates, position);
      return points === undefined ? "MultiPoint must have an array of positions." : { ...none, points };
    }
    case "LineString": {
      const found = line(coordinates);
      return found === undefined ? "LineString must have an array of positions." : { ...none, lines: [found] };
    }
    case "MultiLineString": {
      const lines = listOf(coordinates, line);
      return lines === undefined ? "MultiLineString must have an array of lines." : { ...none, lines };
    }
    case "Polygon": {
      const found = polygon(coordinates);
      return found === undefined ? "Polygon must have an array of rings." : { ...none, polygons: [found] };
    }
    case "MultiPolygon": {
      const polygons = listOf(coordinates, polygon);
      return polygons === undefined ? "MultiPolygon must have an array of polygons." : { ...none, polygons };
    }
    default:
      return "The value is not a GeoJSON geometry.";
  }
};

const same = (a: Position | undefined, b: Position | undefined): boolean => a?.[0] === b?.[0] && a?.[1] === b?.[1];

const turn = (a: Position, b: Position, c: Position): number =>
  Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));

const onSegment = (a: Position, b: Position, point: Position): boolean =>
  turn(a, b, point) === 0 &&
  Math.min(a[0], b[0]) <= point[0] &&
  point[0] <= Math.max(a[0], b[0]) &&
  Math.min(a[1], b[1]) <= point[1] &&
  point[1] <= Math.max(a[1], b[1]);

export const segmentsOf = (path: Line): (readonly [Position, Position])[] =>
  path.slice(1).map((end, index) => [path[index] ?? end, end]);

const cross = ([a, b]: readonly [Position, Position], [c, d]: readonly [Position, Position]): boolean =>
  (turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b)) ||
  onSegment(a, b, c) ||
  onSegment(a, b, d) ||
  onSegment(c, d, a) ||
  onSegment(c, d, b);

const insideRing = (ring: Line, point: Position): "inside" | "edge" | "outside" => {
  let inside = false;
  for (const [a, b] of segmentsOf(ring)) {
    if (onSegment(a, b, point)) return "edge";
    if (a[1] > point[1] !== b[1] > point[1] && point[0] < ((b[0] - a[0]) * (point[1] - a[1])) / (b[1] - a[1]) + a[0])
      inside = !inside;
  }
  return inside ? "inside" : "outside";
};

/** Edges belong to the polygon. */
export const covers = (rings: readonly Line[], point: Position): boolean => {
  const [outer, ...holes] = rings;
  if (outer === undefined || insideRing(outer, point) === "outside") return false;
  return holes.every((hole) => insideRing(hole, point) !== "inside");
};

const pathsOf = (shape: Shape): readonly Line[] => [...shape.lines, ...shape.polygons.flat()];
export const verticesOf = (shape: Shape): readonly Position[] => [...shape.points, ...pathsOf(shape).flat()];
export const edgesOf = (shape: Shape): readonly (readonly [Position, Position])[] => pathsOf(shape).flatMap(segmentsOf);

export const intersects = (a: Shape, b: Shape): boolean => {
  const edgesA = edgesOf(a);
  const edgesB = edgesOf(b);
  if (edgesA.some((edge) => edgesB.some((other) => cross(edge, other)))) return true;
  const touches = (shape: Shape, edges: readonly (readonly [Position, Position])[], point: Position): boolean =>
    shape.polygons.some((rings) => covers(rings, point)) ||
    edges.some(([start, end]) => onSegment(start, end, point)) ||
    shape.points.some((other) => same(other, point));
  return (
    verticesOf(b).some((point) => touches(a, edgesA, point)) || verticesOf(a).some((point) => touches(b, edgesB, point))
  );
};

/** Every part of the first lies in a polygon of the second. */
export const within = (inner: Shape, outer: Shape): boolean => {
  const points = verticesOf(inner);
  const middles = edgesOf(inner).map(([a, b]): Position => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
  return (
    points.length > 0 && [...points, ...middles].every((point) => outer.polygons.some((rings) => covers(rings, point)))
  );
};

/** Why the shape is not valid, or undefined. Order and limits as GeoJSON says; self-intersection is looked for. */
export const invalidReason = (shape: Shape): string | undefined => {
  for (const [longitude, latitude] of verticesOf(shape)) {
    if (Math.abs(latitude) > 90) return "Latitude values must be between -90 and 90 degrees.";
    if (Math.abs(longitude) > 180) return "Longitude values must be between -180 and 180 degrees.";
  }
  if (shape.lines.some((path) => path.length < 2)) return "A LineString must have at least two positions.";
  for (const ring of shape.polygons.flat()) {
    if (ring.length < 4) return "A polygon ring must have at least four positions.";
    if (!same(ring[0], ring.at(-1)))
      return "The Polygon input is not valid because the start and end points of the ring number 1 are not the same. Each ring of a polygon must have the same start and end points.";
    const edges = segmentsOf(ring);
    for (const [index, edge] of edges.entries()) {
      for (let other = index + 2; other < edges.length; other++) {
        const second = edges[other];
        if (second === undefined || (index === 0 && other === edges.length - 1)) continue;
        if (cross(edge, second)) return "A polygon ring must not intersect itself.";
      }
    }
  }
  return undefined;
};
