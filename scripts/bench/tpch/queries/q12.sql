select l_shipmode, count(*) filter (o_orderpriority in ('1-URGENT', '2-HIGH')),
       count(*) filter (o_orderpriority not in ('1-URGENT', '2-HIGH'))
from orders, lineitem
where o_orderkey = l_orderkey and l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate
  and l_shipdate < l_commitdate and l_receiptdate >= date '1994-01-01'
  and l_receiptdate < date '1994-01-01' + interval 1 year
group by l_shipmode
