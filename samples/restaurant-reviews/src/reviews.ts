import type { Database } from "./database.ts";

export interface Restaurant {
  readonly id: string;
  readonly name: string;
  readonly streetAddress: string;
  readonly description: string;
}

export interface RatedRestaurant extends Restaurant {
  readonly reviewCount: number;
  /** 1 to 5, or null without a review. */
  readonly averageRating: number | null;
}

export interface Review {
  readonly id: string;
  readonly userName: string;
  readonly rating: number;
  readonly text: string;
  /** Name of the blob in the container "photos". */
  readonly photo: string | null;
  readonly createdAt: Date;
}

export type NewRestaurant = Omit<Restaurant, "id">;
export type NewReview = Omit<Review, "id" | "createdAt">;

export interface Reviews {
  restaurants(): Promise<RatedRestaurant[]>;
  restaurant(id: string): Promise<RatedRestaurant | undefined>;
  reviewsOf(restaurantId: string): Promise<Review[]>;
  /** Gives the new id. */
  addRestaurant(restaurant: NewRestaurant): Promise<string>;
  addReview(restaurantId: string, review: NewReview): Promise<void>;
  /** Throws unless the database answers. */
  ping(): Promise<void>;
}

const RATED = `
  select r.id, r.name, r.street_address as "streetAddress", r.description,
         count(v.id)::int as "reviewCount", avg(v.rating)::float8 as "averageRating"
    from restaurants r left join reviews v on v.restaurant_id = r.id`;

export function reviewsIn(database: Database): Reviews {
  return {
    restaurants: () => database.query<RatedRestaurant>(`${RATED} group by r.id order by lower(r.name), r.id limit 500`),
    async restaurant(id) {
      const rows = await database.query<RatedRestaurant>(`${RATED} where r.id = $1 group by r.id`, [id]);
      return rows[0];
    },
    reviewsOf: (restaurantId) =>
      database.query<Review>(
        `select id, user_name as "userName", rating, review_text as text, photo, created_at as "createdAt"
           from reviews where restaurant_id = $1 order by created_at desc, id desc limit 500`,
        [restaurantId],
      ),
    async addRestaurant({ name, streetAddress, description }) {
      const rows = await database.query<{ id: string }>(
        "insert into restaurants (name, street_address, description) values ($1, $2, $3) returning id",
        [name, streetAddress, description],
      );
      if (!rows[0]) throw new Error("insert … returning gave no row");
      return rows[0].id;
    },
    async addReview(restaurantId, { userName, rating, text, photo }) {
      await database.query(
        "insert into reviews (restaurant_id, user_name, rating, review_text, photo) values ($1, $2, $3, $4, $5)",
        [restaurantId, userName, rating, text, photo],
      );
    },
    async ping() {
      await database.query("select 1");
    },
  };
}
