/** Distances and areas in metres on the WGS84 ellipsoid. */
import { edgesOf, intersects, type Position, type Shape, verticesOf } from "./geometry.ts";

const major = 6_378_137;
const flattening = 1 / 298.257223563;
const minor = major * (1 - flattening);
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Vincenty's inverse formula; near-antipodal points, where it does not converge, fall back to a sphere. */
export const distance = ([lon1, lat1]: Position, [lon2, lat2]: Position): number => {
  if (lon1 === lon2 && lat1 === lat2) return 0;
  const difference = radians(lon2 - lon1);
  const u1 = Math.atan((1 - flattening) * Math.tan(radians(lat1)));
  const u2 = Math.atan((1 - flattening) * Math.tan(radians(lat2)));
  const [sinU1, cosU1, sinU2, cosU2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  let lambda = difference;
  for (let round = 0; round < 200; round++) {
    const sinLambda = Math.sin(lambda);
    const cosLambda = Math.cos(lambda);
    const sinSigma = Math.hypot(cosU2 * sinLambda, cosU1 * sinU2 - sinU1 * cosU2 * cosLambda);
    if (sinSigma === 0) return 0;
    const cosSigma = sinU1 * sinU2 + cosU1 * cosU2 * cosLambda;
    const sigma = Math.atan2(sinSigma, cosSigma);
    const sinAlpha = (cosU1 * cosU2 * sinLambda) / sinSigma;
    const cosSqAlpha = 1 - sinAlpha ** 2;
    const cos2SigmaM = cosSqAlpha === 0 ? 0 : cosSigma - (2 * sinU1 * sinU2) / cosSqAlpha;
    const c = (flattening / 16) * cosSqAlpha * (4 + flattening * (4 - 3 * cosSqAlpha));
    const before = lambda;
    lambda =
      difference +
      (1 - c) *
        flattening *
        sinAlpha *
        (sigma + c * sinSigma * (cos2SigmaM + c * cosSigma * (-1 + 2 * cos2SigmaM ** 2)));
    if (Math.abs(lambda - before) > 1e-12) continue;
    const uSq = (cosSqAlpha * (major ** 2 - minor ** 2)) / minor ** 2;
    const a = 1 + (uSq / 16_384) * (4096 + uSq * (-768 + uSq * (320 - 175 * uSq)));
    const b = (uSq / 1024) * (256 + uSq * (-128 + uSq * (74 - 47 * uSq)));
    const deltaSigma =
      b *
      sinSigma *
      (cos2SigmaM +
        (b / 4) *
          (cosSigma * (-1 + 2 * cos2SigmaM ** 2) -
            (b / 6) * cos2SigmaM * (-3 + 4 * sinSigma ** 2) * (-3 + 4 * cos2SigmaM ** 2)));
    return minor * a * (sigma - deltaSigma);
  }
  const sphere =
    Math.sin(radians(lat2 - lat1) / 2) ** 2 +
    Math.cos(radians(lat1)) * Math.cos(radians(lat2)) * Math.sin(difference / 2) ** 2;
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(Math.min(1, sphere)));
};

/** From a point to the nearest point of a segment, found on a plane that is scaled at the point's latitude. */
const toSegment = (point: Position, [a, b]: readonly [Position, Position]): number => {
  const scale = Math.cos(radians(point[1]));
  const [dx, dy] = [(b[0] - a[0]) * scale, b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((point[0] - a[0]) * scale * dx + (point[1] - a[1]) * dy) / length;
  const t = Math.min(1, Math.max(0, along));
  return distance(point, [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]);
};

/** Between the nearest parts of two shapes; 0 when they touch. */
export const shapeDistance = (a: Shape, b: Shape): number => {
  if (intersects(a, b)) return 0;
  let best = Number.POSITIVE_INFINITY;
  const measure = (from: Shape, to: Shape): void => {
    const edges = edgesOf(to);
    for (const point of verticesOf(from)) {
      for (const edge of edges) best = Math.min(best, toSegment(point, edge));
      for (const other of to.points) best = Math.min(best, distance(point, other));
    }
  };
  measure(a, b);
  measure(b, a);
  return best;
};

/** The latitude of a sphere with the ellipsoid's area. */
const eccentricity = Math.sqrt(flattening * (2 - flattening));
const authalic = (latitude: number): number => {
  const part = (sin: number): number =>
    (1 - eccentricity ** 2) *
    (sin / (1 - (eccentricity * sin) ** 2) -
      Math.log((1 - eccentricity * sin) / (1 + eccentricity * sin)) / (2 * eccentricity));
  return part(Math.sin(radians(latitude))) / part(1);
};
const authalicRadiusSq = (major ** 2 / 2) * (1 + ((1 - eccentricity ** 2) / eccentricity) * Math.atanh(eccentricity));

/** Square metres; edges are taken as straight between longitude and authalic latitude. */
const ringArea = (ring: readonly Position[]): number => {
  let sum = 0;
  for (let index = 1; index < ring.length; index++) {
    const a = ring[index - 1];
    const b = ring[index];
    if (a === undefined || b === undefined) continue;
    sum += radians(b[0] - a[0]) * (authalic(a[1]) + authalic(b[1]));
  }
  return (Math.abs(sum) * authalicRadiusSq) / 2;
};

export const area = ({ polygons }: Shape): number =>
  polygons.reduce((total, [outer, ...holes]) => {
    if (outer === undefined) return total;
    return total + ringArea(outer) - holes.reduce((sum, hole) => sum + ringArea(hole), 0);
  }, 0);
