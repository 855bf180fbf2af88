CREATE TABLE public."Order Items" ("id" serial PRIMARY KEY, "orderId" int, "user" text, "select" text DEFAULT 'x''y', "Größe" numeric(6,2));
INSERT INTO "Order Items" ("orderId", "user", "Größe") VALUES (1, 'Ann "the" O''Neil', 1.5);
CREATE INDEX "Order Items by order" ON "Order Items" ("orderId");
