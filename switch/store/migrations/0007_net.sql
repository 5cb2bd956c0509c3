-- Whether what VISA-2 terminals of a merchant capture counts loads in the net deposit.

ALTER TABLE merchants ADD COLUMN gift_sales_in_net INTEGER NOT NULL DEFAULT 0;
