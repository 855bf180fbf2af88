CREATE TABLE odd_types (id int PRIMARY KEY, m macaddr8, b bit varying(8), x xml, p polygon, i interval day to second(3), a int[][], t timetz, n name, o oid);
