DROP TABLE order_costs;
