-- Five years of daily trading in 50 symbols, 50,000 executions: each second one sells what the one before bought.

CREATE TEMP TABLE days AS SELECT row_number() OVER (ORDER BY d) AS n, d::date AS d
    FROM generate_series(date '2008-01-01', date '2012-12-31', interval '1 day') AS d
    WHERE extract(isodow FROM d) < 6;

INSERT INTO accounts (account_id, mode, kind, owner) VALUES ('SIM5Y', 'simulated', 'taxable', 'taxpayer');

INSERT INTO symbols (ticker, sector) SELECT 'S' || lpad(n::text, 2, '0'), 'Sector ' || n % 8
    FROM generate_series(1, 50) AS n;

INSERT INTO ingestions (ingestion_id, dataset, source, sha256)
    VALUES ('ing_1', 'bars', 'made.csv', repeat('ab', 32));

INSERT INTO market_data (symbol_id, interval, bar_at, version, open, high, low, close, volume, ingestion_id)
    SELECT symbol_id, '1day', d::timestamp AT TIME ZONE 'UTC', 1, 50, 52, 48, 50 + (n + symbol_id) % 3 - 1, 100000, 'ing_1'
    FROM symbols, days;

CREATE TEMP TABLE plan AS SELECT i, 'exec_' || i AS e, 'ord_' || i AS o, 'sig_' || i AS s, 'feat_' || i AS f,
              'risk_' || i AS r, 1 + (i / 2) % 50 AS symbol_id, CASE WHEN i % 2 = 0 THEN 'BUY' ELSE 'SELL' END AS side,
              days.d, days.d + time '10:00' + (i % 20) * interval '1 minute' AS at
    FROM generate_series(0, 49999) AS i JOIN days ON days.n = 1 + (i::bigint * 1300 / 50000);

INSERT INTO feature_snapshots (feature_row_id, symbol_id, bar_interval, bar_at, bar_version, features)
    SELECT f, symbol_id, '1day', d::timestamp AT TIME ZONE 'UTC', 1, '{"rsi_14": 50.0, "atr_14": 0.02}' FROM plan;

INSERT INTO signals (signal_id, symbol_id, session_date, signalled_at, signal_type, confidence, strategy,
              feature_row_id, metadata)
    SELECT s, symbol_id, d, at AT TIME ZONE 'America/New_York', CASE side WHEN 'BUY' THEN 'BUY' ELSE 'CLOSE_LONG' END, 0.6,
              (ARRAY['momentum', 'mean_reversion', 'composite'])[1 + i % 3], f, '{}' FROM plan;

INSERT INTO risk_decisions (risk_decision_id, account_id, mode, symbol_id, signal_id, side, requested_quantity,
              approved_quantity, is_approved, reason, decided_at, session_date, checks)
    SELECT r, 'SIM5Y', 'simulated', symbol_id, s, side, 100, CASE WHEN i % 40 = 0 THEN 60 ELSE 100 END, true,
              CASE WHEN i % 40 = 0 THEN 'cut to max_position_size' ELSE '' END, at AT TIME ZONE 'America/New_York', d, '[]'
    FROM plan;

INSERT INTO orders (order_id, account_id, mode, symbol_id, signal_id, risk_decision_id, side, order_type, quantity,
              time_in_force, submitted_at, session_date)
    SELECT o, 'SIM5Y', 'simulated', symbol_id, s, r, side, 'MARKET', 100, 'DAY', at AT TIME ZONE 'America/New_York', d
    FROM plan;

INSERT INTO order_events (order_event_id, account_id, mode, order_id, sequence, status, occurred_at, session_date,
              reason)
    SELECT 'event_' || i || '_' || n, 'SIM5Y', 'simulated', o, n, (ARRAY['PENDING', 'SUBMITTED', 'FILLED'])[n + 1],
              at AT TIME ZONE 'America/New_York', d, '' FROM plan, generate_series(0, 2) AS n;

INSERT INTO executions (execution_id, account_id, mode, symbol_id, order_id, side, quantity, price, commission, fees,
              commission_is_estimated, executed_at, trade_date, exchange)
    SELECT e, 'SIM5Y', 'simulated', symbol_id, o, side, 100, 50 + i % 7 * 0.11, 1, 0.02, true,
              at AT TIME ZONE 'America/New_York', d, 'SMART' FROM plan;

INSERT INTO commission_reports (commission_report_id, account_id, mode, execution_id, sequence,
              reported_execution_id, commission, currency, reported_at)
    SELECT 'comm_' || i, 'SIM5Y', 'simulated', e, 0, e, 1.01, 'USD', at AT TIME ZONE 'America/New_York' FROM plan;

INSERT INTO order_costs (order_cost_id, account_id, mode, symbol_id, parent_order_id, side, algorithm, session_date,
              quantity, filled_quantity, decided_at, finished_at, arrival_price, end_price, average_price, market_volume,
              slippage_bps, execution_cost, opportunity_cost, fees, fees_are_estimated, implementation_shortfall,
              shortfall_bps)
    SELECT 'cost_' || i, 'SIM5Y', 'simulated', symbol_id, o, side, (ARRAY['twap', 'vwap'])[1 + i % 2], d, 100, 100,
              at AT TIME ZONE 'America/New_York', at AT TIME ZONE 'America/New_York', 50, 50, 50.01, 10000, 2, 1, 0, 1, false,
              2, 4 FROM plan;

INSERT INTO tax_lots (lot_id, account_id, mode, symbol_id, asset_class, open_execution_id, quantity, acquired_date,
              holding_start, original_basis, adjusted_basis)
    SELECT 'lot_' || i, 'SIM5Y', 'simulated', symbol_id, 'stock', e, 100, d, d, 5001, 5001 FROM plan WHERE i % 2 = 0;

INSERT INTO open_lots (open_lot_id, lot_id, account_id, mode, quantity, original_basis, adjusted_basis)
    SELECT 'left_' || i, 'lot_' || i, 'SIM5Y', 'simulated', 100, 5001, 5001 FROM plan WHERE i % 2 = 0 AND i % 20 = 0;

INSERT INTO capital_gains (gain_id, account_id, mode, symbol_id, asset_class, is_short, lot_id, open_execution_id,
              close_execution_id, quantity, acquired_date, holding_start, sold_date, proceeds, basis, adjustment_code,
              disallowed_loss, gain_loss, term, permanently_disallowed, tax_year, is_provisional, closed_by, policies)
    SELECT 'gain_' || i, 'SIM5Y', 'simulated', symbol_id, 'stock', false, 'lot_' || i - 1, 'exec_' || i - 1, e, 100, d, d, d,
              4990, 5001, CASE WHEN i % 8 = 1 THEN 'W' ELSE '' END, CASE WHEN i % 8 = 1 THEN 11 ELSE 0 END,
              CASE WHEN i % 8 = 1 THEN 0 ELSE -11 END, 'S', 0, extract(year FROM d), false, 'trade', '{}'
    FROM plan WHERE i % 2 = 1;

INSERT INTO wash_sales (wash_sale_id, account_id, mode, gain_id, replacement_execution_id, quantity, disallowed_loss,
              is_permanent, rule, replacement_lot_id)
    SELECT 'wash_' || i, 'SIM5Y', 'simulated', 'gain_' || i, 'exec_' || i + 1, 100, 11, false, 'IRC 1091(a)', 'lot_' || i + 1
    FROM plan WHERE i % 8 = 1;

INSERT INTO form_lines (line_id, taxpayer, mode, tax_year, part, box, description, date_acquired, date_sold, proceeds,
              basis, codes, adjustment, gain_loss, direct_entry, watermark)
    SELECT 'line_' || i, 'taxpayer', 'simulated', extract(year FROM d), 'I', 'A', '100 sh. S', d, d, 4990, 5001,
              CASE WHEN i % 8 = 1 THEN 'W' ELSE '' END, CASE WHEN i % 8 = 1 THEN 11 ELSE 0 END,
              CASE WHEN i % 8 = 1 THEN 0 ELSE -11 END, i % 8 <> 1, 'SIMULATED - NOT FOR FILING' FROM plan WHERE i % 2 = 1;

INSERT INTO form_line_gains (line_id, gain_id, mode, ordinal)
    SELECT 'line_' || i, 'gain_' || i, 'simulated', 0 FROM plan WHERE i % 2 = 1;

INSERT INTO schedule_d (schedule_d_id, taxpayer, mode, tax_year, lines, results, carryover, watermark, assumptions)
    SELECT 'schd_' || y, 'taxpayer', 'simulated', y, '{}', '{"7": "-1.00", "16": "-1.00", "21": "1.00"}',
              '{"short_term": "0", "long_term": "0"}', 'SIMULATED - NOT FOR FILING', '[]'
    FROM generate_series(2008, 2012) AS y;

INSERT INTO balances (balance_id, account_id, mode, session_date, cash, equity)
    SELECT 'bal_' || n, 'SIM5Y', 'simulated', d, 500000, 1000000 + 3000 * sin(n / 20.0)::numeric + n * 40 FROM days;

INSERT INTO cash_transactions (cash_transaction_id, account_id, mode, kind, amount, session_date, description)
    SELECT 'cash_1', 'SIM5Y', 'simulated', 'deposit', 1000000, d, 'opening' FROM days WHERE n = 1;

INSERT INTO positions (position_id, account_id, mode, symbol_id, session_date, quantity, average_cost, close,
              unrealized_pnl, opened_date, bar_interval, bar_at, bar_version)
    SELECT 'pos_' || n || '_' || symbol_id, 'SIM5Y', 'simulated', symbol_id, d, 200, 50, 50.5, 100, d, '1day',
              d::timestamp AT TIME ZONE 'UTC', 1 FROM days, symbols WHERE symbol_id % 2 = 0;

INSERT INTO risk_limits (risk_limit_id, account_id, mode, name, value, effective_from)
    SELECT 'limit_' || name, 'SIM5Y', 'simulated', name, value, date '2008-01-01'
    FROM (VALUES ('max_position_size', 1000), ('max_portfolio_exposure', 1), ('max_daily_loss', 5000)) AS l (name, value);

INSERT INTO strategy_performance (strategy_performance_id, account_id, mode, strategy, start_date, session_date,
              num_signals, num_trades, pnl, total_return)
    SELECT 'perf_' || s || y, 'SIM5Y', 'simulated', s, make_date(y, 1, 2), make_date(y, 12, 31), 100, 100, 1000, 0.01
    FROM generate_series(2008, 2012) AS y, unnest(ARRAY['momentum', 'mean_reversion', 'composite']) AS s;
